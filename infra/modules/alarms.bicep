// One rule for each alarm of infra/alarms.yaml, over the metrics in the workspace.
param location string
param tags object
param workspaceId string
param emails string
param suffix string

var alarms = loadYamlContent('../alarms.yaml').alarms
var addresses = filter(map(split(emails, ','), address => trim(address)), address => !empty(address))

// KQL that measures an aggregation over the rows of a metric, one row a minute and instance.
var measures = {
  total: 'sum(Sum)'
  average: 'sum(Sum) / sum(ItemCount)'
  maximum: 'max(Max)'
  minimum: 'min(Min)'
  count: 'sum(ItemCount)'
}

// Every dimension that an alarm filters or splits by, as a column.
var columns = [for alarm in alarms: union(objectKeys(alarm.?where ?? {}), alarm.?split ?? [])]
var filters = [
  for (alarm, index) in alarms: join(
    map(items(alarm.?where ?? {}), entry => ' | where ${entry.key} in ("${join(entry.value, '", "')}")'),
    ''
  )
]
var extensions = [
  for (alarm, index) in alarms: join(map(columns[index], column => ' | extend ${column} = tostring(Properties["${column}"])'), '')
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-spotler-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'spotler'
    enabled: true
    emailReceivers: [
      for (address, index) in addresses: { name: 'operator-${index}', emailAddress: address, useCommonAlertSchema: true }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for (alarm, index) in alarms: {
    name: 'spotler-${alarm.name}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Spotler Connector: ${alarm.name}'
      description: '${alarm.meaning} ${alarm.action}'
      severity: alarm.severity
      enabled: true
      evaluationFrequency: alarm.every
      windowSize: alarm.window
      scopes: [workspaceId]
      // The table has no rows before the first start.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            // Without `by`, no rows at all sum up to 0: so silence raises the alarms that have `absent`.
            query: 'AppMetrics | where Name == "${alarm.metric}"${extensions[index]}${filters[index]} | summarize value = ${measures[alarm.aggregation]}${empty(alarm.?split ?? []) ? '' : ' by ${join(alarm.split, ', ')}'}'
            timeAggregation: alarm.operator == 'LessThan' ? 'Minimum' : 'Maximum'
            metricMeasureColumn: 'value'
            dimensions: map(alarm.?split ?? [], column => { name: column, operator: 'Include', values: ['*'] })
            operator: alarm.operator
            threshold: alarm.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [group.id] }
    }
  }
]
