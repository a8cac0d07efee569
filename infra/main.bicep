// Everything that one environment of the Spotler Connector needs in Azure, in one resource group.
// docs/howto/deploy.md deploys this file and explains every parameter.
targetScope = 'resourceGroup'

@description('Name of this environment, such as test or production: small letters and digits, at most 20. Keeps the state of environments apart.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Region of all resources; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Organisation URL of Dataverse, such as https://contoso.crm4.dynamics.com.')
param dataverseUrl string

@description('Consumer key of the Spotler REST API. Empty: the vault keeps the key that it has.')
@secure()
param spotlerKey string = ''

@description('Consumer secret of the Spotler REST API. Empty: the vault keeps the secret that it has.')
@secure()
param spotlerSecret string = ''

@description('E-mail addresses that get the alarms, separated by commas. Empty: alarms are visible in the portal alone.')
param alarmEmails string = ''

@description('Hosting plan: flex scales to zero, premium keeps one instance running.')
@allowed(['flex', 'premium'])
param plan string = 'flex'

@description('Memory of an instance on Flex Consumption, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Further app settings of the connector, by name (README, Settings). They win over those of the template.')
param appSettings object = {}

@description('Object id of the person or pipeline that reads and writes secrets of the vault. Empty: nobody but the app.')
param operatorPrincipalId string = ''

@description('Whether that operator is a person or a service principal.')
@allowed(['User', 'ServicePrincipal', 'Group'])
param operatorPrincipalType string = 'User'

@description('Whether the template assigns roles. Without the right to do so, an administrator assigns those of infra/modules/access.bicep.')
param createRoleAssignments bool = true

@description('Whether a deleted vault is kept for 90 days, whatever happens. Cannot be taken back; false suits trials.')
param purgeProtection bool = true

@description('Whether logs of the queues and of the vault go to the workspace, which costs ingestion.')
param diagnosticLogs bool = false

@description('Whether storage and vault are closed to the internet and reached over a network of their own. Service Bus stays public: Dataverse posts from the internet.')
param privateNetwork bool = false

@description('Client id of the app registration for sign-in to the HTTP routes. Empty: function keys alone.')
param signInClientId string = ''

@description('Days for which telemetry is kept.')
@minValue(30)
@maxValue(730)
param retentionDays int = 30

var suffix = uniqueString(subscription().id, resourceGroup().id, environmentName, location)
var names = {
  identity: 'id-spotler-${suffix}'
  storage: 'st${suffix}'
  serviceBus: 'sb-spotler-${suffix}'
  vault: 'kv-${suffix}'
  workspace: 'log-spotler-${suffix}'
  insights: 'appi-spotler-${suffix}'
  plan: 'plan-spotler-${suffix}'
  app: 'func-spotler-${suffix}'
  network: 'vnet-spotler-${suffix}'
}
var tags = { 'azd-env-name': environmentName, product: 'spotler-connector' }

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: { name: names.identity, location: location, tags: tags }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  params: { name: names.network, location: location, tags: tags, storageName: storage.outputs.name, vaultName: vault.outputs.name, plan: plan }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: { name: names.storage, location: location, tags: tags, isPrivate: privateNetwork }
}

module messaging 'modules/messaging.bicep' = {
  name: 'messaging'
  params: { name: names.serviceBus, location: location, tags: tags }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: names.vault
    location: location
    tags: tags
    isPrivate: privateNetwork
    purgeProtection: purgeProtection
    spotlerKey: spotlerKey
    spotlerSecret: spotlerSecret
    serviceBusName: messaging.outputs.name
    dataverseRuleName: messaging.outputs.dataverseRuleName
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    location: location
    tags: tags
    retentionDays: retentionDays
    diagnosticLogs: diagnosticLogs
    serviceBusName: messaging.outputs.name
    vaultName: vault.outputs.name
  }
}

module access 'modules/access.bicep' = if (createRoleAssignments) {
  name: 'access'
  params: {
    principalId: identity.outputs.principalId
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
    storageName: storage.outputs.name
    serviceBusName: messaging.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: tags
    plan: plan
    instanceMemoryMB: instanceMemoryMB
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    packageContainerName: storage.outputs.packageContainerName
    serviceBusName: messaging.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    environmentName: environmentName
    dataverseUrl: dataverseUrl
    appSettings: appSettings
    signInClientId: signInClientId
  }
  dependsOn: [access]
}

module alarms 'modules/alarms.bicep' = {
  name: 'alarms'
  params: { location: location, tags: tags, workspaceId: monitoring.outputs.workspaceId, emails: alarmEmails, suffix: suffix }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: { location: location, tags: tags, workspaceId: monitoring.outputs.workspaceId, insightsId: monitoring.outputs.insightsId }
}

output AZURE_RESOURCE_GROUP string = resourceGroup().name
output CONNECTOR_APP_NAME string = app.outputs.name
output CONNECTOR_URL string = app.outputs.url
output CONNECTOR_CLIENT_ID string = identity.outputs.clientId
output CONNECTOR_VAULT_NAME string = vault.outputs.name
output CONNECTOR_SERVICE_BUS_NAME string = messaging.outputs.name
output CONNECTOR_EVENTS_QUEUE string = messaging.outputs.eventsQueueName
output CONNECTOR_DATAVERSE_URL string = dataverseUrl
