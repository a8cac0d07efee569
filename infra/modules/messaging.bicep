// The queues of the connector. docs/host.md explains their properties; a test compares them with the app's constants.
param name string
param location string
param tags object

var queueNames = ['dataverse-events', 'sync-live', 'sync-bulk', 'dead-letters']

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard' }
  properties: {
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    // A service endpoint of Dataverse signs in with a shared access key, and with nothing else.
    disableLocalAuth: false
  }
}

resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for queueName in queueNames: {
    parent: namespace
    name: queueName
    properties: {
      lockDuration: 'PT5M'
      maxDeliveryCount: 50
      deadLetteringOnMessageExpiration: true
      defaultMessageTimeToLive: 'P365D'
      requiresDuplicateDetection: false
      requiresSession: false
      enablePartitioning: false
      enableBatchedOperations: true
      maxSizeInMegabytes: 5120
    }
  }
]

resource events 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: namespace
  name: 'dataverse-events'
}

// Dataverse may send to this one queue, and nothing else.
resource dataverse 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2024-01-01' = {
  parent: events
  name: 'dataverse'
  properties: { rights: ['Send'] }
  dependsOn: [queues]
}

output name string = namespace.name
output eventsQueueName string = events.name
output dataverseRuleName string = dataverse.name
