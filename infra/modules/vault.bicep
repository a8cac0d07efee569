// The secrets: of Spotler, of the fingerprints, and Dataverse's key to its queue. Empty parameters change none of them.
param name string
param location string
param tags object
param closedNetwork bool
param purgeProtection bool
param principalId string
param deployerId string
param deployerType string
param createRoleAssignments bool
param workspaceId string
param serviceBusName string

@secure()
param spotlerKey string

@secure()
param spotlerSecret string

@secure()
param fingerprintKey string

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: purgeProtection ? 90 : 7
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: closedNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: closedNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource spotlerKeySecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(spotlerKey)) {
  parent: vault
  name: 'spotler-key'
  properties: {
    value: spotlerKey
  }
}

resource spotlerSecretSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(spotlerSecret)) {
  parent: vault
  name: 'spotler-secret'
  properties: {
    value: spotlerSecret
  }
}

resource fingerprintKeySecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(fingerprintKey)) {
  parent: vault
  name: 'fingerprint-key'
  properties: {
    value: fingerprintKey
  }
}

resource dataverseRule 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2024-01-01' existing = {
  name: '${serviceBusName}/dataverse-events/dataverse'
}

// The installer of the Dataverse side reads it here: an output would stay readable in the history of deployments.
resource dataverseKeySecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'dataverse-queue-key'
  properties: {
    value: dataverseRule.listKeys().primaryKey
  }
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (createRoleAssignments) {
  name: guid(vault.id, principalId, secretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource maintains 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (createRoleAssignments && !empty(deployerId)) {
  name: guid(vault.id, deployerId, secretsOfficer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsOfficer)
    principalId: deployerId
    principalType: deployerType
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(workspaceId)) {
  name: 'to-workspace'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
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

output id string = vault.id
output name string = vault.name
