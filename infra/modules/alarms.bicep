// One rule for each alarm of alarms.yaml. Log rules need no opt-in for dimensions, and fire where a metric is absent.
param prefix string
param location string
param tags object
param workspaceId string
param emails array

var alarms = loadYamlContent('../alarms.yaml').alarms
var measures = {
  total: 'sum(Sum)'
  average: 'sum(Sum) / sum(ItemCount)'
  maximum: 'max(Max)'
  minimum: 'min(Min)'
  count: 'sum(ItemCount)'
}

// The parts of each query: its conditions, the columns of its dimensions, and its groups.
var filters = [for alarm in alarms: join(map(items(alarm.?where ?? {}), condition => ' | where tostring(Properties["${condition.key}"]) in ("${join(condition.value, '", "')}")'), '')]
var columns = [for alarm in alarms: join(map(alarm.?split ?? [], dimension => ' | extend ${dimension} = tostring(Properties["${dimension}"])'), '')]
var groups = [for alarm in alarms: empty(alarm.?split ?? []) ? '' : ' by ${join(alarm.split, ', ')}']

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: '${prefix}-alarms'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'spotler'
    enabled: true
    emailReceivers: [for (email, index) in emails: {
      name: 'mail-${index}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

// Without a dimension, `summarize` over nothing gives one row; a sum of 0 there raises alarms that ask for absence.
resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for (alarm, index) in alarms: {
  name: '${prefix}-${alarm.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: alarm.name
    description: '${alarm.meaning} ${alarm.action}'
    severity: alarm.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: alarm.every
    windowSize: alarm.window
    criteria: {
      allOf: [
        {
          query: 'AppMetrics | where Name == "${alarm.metric}"${filters[index]}${columns[index]} | summarize value = ${measures[alarm.aggregation]}${groups[index]}'
          timeAggregation: 'Maximum'
          metricMeasureColumn: 'value'
          dimensions: map(alarm.?split ?? [], dimension => {
            name: dimension
            operator: 'Include'
            values: [
              '*'
            ]
          })
          operator: alarm.operator
          threshold: alarm.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    skipQueryValidation: true
    actions: {
      actionGroups: empty(emails) ? [] : [
        people.id
      ]
    }
  }
}]
