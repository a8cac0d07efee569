// The vault and its secrets. FINGERPRINT-KEY is made once by `python -m shared deploy`, never by the template: another
// key would stop the app.
param name string
param location string
param tags object
param isPrivate bool
param purgeProtection bool
@secure()
param spotlerKey string
@secure()
param spotlerSecret string
param serviceBusName string
param dataverseRuleName string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // False is refused once it was true: null leaves it as it is.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource key 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(spotlerKey)) {
  parent: vault
  name: 'SPOTLER-KEY'
  properties: { value: spotlerKey }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(spotlerSecret)) {
  parent: vault
  name: 'SPOTLER-SECRET'
  properties: { value: spotlerSecret }
}

resource rule 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2024-01-01' existing = {
  name: '${serviceBusName}/dataverse-events/${dataverseRuleName}'
}

// For the service endpoint of Dataverse. An output would show it in the history of deployments.
resource sendKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'DATAVERSE-SEND-KEY'
  properties: { value: rule.listKeys().primaryKey }
}

output name string = vault.name
