// The queues. Dataverse signs in with a key that can only send to its own queue; the app uses its identity.
param name string
param location string
param tags object
param principalId string
param createRoleAssignments bool
param workspaceId string

var eventsQueueName = 'dataverse-events'
var eventsRuleName = 'dataverse'
var queueNames = [
  eventsQueueName
  'sync-live'
  'sync-bulk'
  'dead-letters'
]
// Queue lengths are read by the watch, which needs a right to manage.
var serviceBusOwner = '090c5cfd-751d-490a-894a-3ce6f1109419'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    minimumTlsVersion: '1.2'
    disableLocalAuth: false
    publicNetworkAccess: 'Enabled'
  }
}

resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for queueName in queueNames: {
  parent: namespace
  name: queueName
  properties: {
    lockDuration: 'PT5M'
    maxDeliveryCount: 50
    deadLetteringOnMessageExpiration: true
    requiresSession: false
    requiresDuplicateDetection: false
    enablePartitioning: false
  }
}]

resource dataverseSends 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2024-01-01' = {
  parent: queues[0]
  name: eventsRuleName
  properties: {
    rights: [
      'Send'
    ]
  }
}

resource receivesAndSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (createRoleAssignments) {
  name: guid(namespace.id, principalId, serviceBusOwner)
  scope: namespace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', serviceBusOwner)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(workspaceId)) {
  name: 'to-workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output namespaceName string = namespace.name
output host string = '${namespace.name}.servicebus.windows.net'
output eventsQueue string = eventsQueueName
output eventsRule string = eventsRuleName
