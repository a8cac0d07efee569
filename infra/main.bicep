// Everything that one deployment of the Spotler Connector needs in Azure: one Dataverse organisation, one Spotler account.
// Scope: a resource group. `python -m shared deploy` and `azd up` deploy it; docs/howto/deploy.md explains the parameters.
targetScope = 'resourceGroup'

@description('Name of the pair of Dataverse organisation and Spotler account, such as test or production. It keeps states apart.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Region of all resources. Flex Consumption is not offered everywhere: az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('Organisation URL of Dataverse, such as https://contoso.crm4.dynamics.com.')
param dataverseUrl string

@description('Key of the Spotler REST API. Empty: the key vault keeps the one that it has.')
@secure()
param spotlerKey string = ''

@description('Secret of the Spotler REST API. Empty: the key vault keeps the one that it has.')
@secure()
param spotlerSecret string = ''

@description('Key of the fingerprints: given once, when the key vault has none. Another one alone stops the app.')
@secure()
param fingerprintKey string = ''

@description('Addresses that get a mail for each alarm. Empty: alarms show in the portal only.')
param alarmEmails array = []

@description('Time zone of the schedules, as an IANA name.')
param timeZone string = 'Europe/Amsterdam'

@description('flex scales to zero; premium (EP1) keeps an instance.')
@allowed([
  'flex'
  'premium'
])
param plan string = 'flex'

@description('Memory of one instance on the plan flex, in megabytes.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int = 2048

@description('How many instances may run at most. 40 is the lowest maximum on the plan flex.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Further settings of the connector, by name. They win over those of the template.')
@secure()
param appSettings object = {}

@description('Whether the template assigns roles. false: an administrator assigns those of docs/howto/deploy.md.')
param createRoleAssignments bool = true

@description('Object id of whoever deploys; may then read and change secrets. Empty: nobody gets that right.')
param deployerId string = ''

@description('Kind of that principal.')
@allowed([
  'User'
  'ServicePrincipal'
])
param deployerType string = 'User'

@description('Whether a deleted key vault stays recoverable, its name taken, for 90 days. false is for trials.')
param purgeProtection bool = true

@description('Whether storage and key vault are reached through a virtual network only. Service Bus stays public, because Dataverse posts to it.')
param closedNetwork bool = false

@description('Whether logs of Service Bus and key vault go to the workspace. They are billed by volume.')
param diagnostics bool = false

@description('Days of telemetry in the workspace.')
@minValue(30)
@maxValue(730)
param retentionDays int = 30

@description('Client id of the app registration for sign-in at the HTTP routes. Empty: function keys alone.')
param signInClientId string = ''

var suffix = uniqueString(subscription().id, resourceGroup().id, environmentName, location)
var name = 'spotler-${toLower(environmentName)}'
var tags = {
  application: 'spotler-connector'
  'azd-env-name': environmentName
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${name}-${suffix}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-${name}-${suffix}'
    componentName: 'appi-${name}-${suffix}'
    location: location
    tags: tags
    retentionDays: retentionDays
    principalId: identity.outputs.principalId
    createRoleAssignments: createRoleAssignments
  }
}

module network 'modules/network.bicep' = if (closedNetwork) {
  name: 'network'
  params: {
    name: 'vnet-${name}-${suffix}'
    location: location
    tags: tags
    plan: plan
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${suffix}'
    location: location
    tags: tags
    closedNetwork: closedNetwork
    principalId: identity.outputs.principalId
    deployerId: plan == 'premium' ? deployerId : ''
    deployerType: deployerType
    createRoleAssignments: createRoleAssignments
  }
}

module messaging 'modules/messaging.bicep' = {
  name: 'messaging'
  params: {
    name: 'sb-${suffix}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    createRoleAssignments: createRoleAssignments
    workspaceId: diagnostics ? monitoring.outputs.workspaceId : ''
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: 'kv-${suffix}'
    location: location
    tags: tags
    closedNetwork: closedNetwork
    purgeProtection: purgeProtection
    principalId: identity.outputs.principalId
    deployerId: deployerId
    deployerType: deployerType
    createRoleAssignments: createRoleAssignments
    workspaceId: diagnostics ? monitoring.outputs.workspaceId : ''
    spotlerKey: spotlerKey
    spotlerSecret: spotlerSecret
    fingerprintKey: fingerprintKey
    serviceBusName: messaging.outputs.namespaceName
  }
}

module endpoints 'modules/endpoints.bicep' = if (closedNetwork) {
  name: 'endpoints'
  params: {
    location: location
    tags: tags
    networkId: closedNetwork ? network!.outputs.networkId : ''
    subnetId: closedNetwork ? network!.outputs.endpointSubnetId : ''
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: 'func-${name}-${suffix}'
    planName: 'plan-${name}-${suffix}'
    location: location
    tags: tags
    plan: plan
    instanceMemory: instanceMemory
    maximumInstances: maximumInstances
    identityId: identity.outputs.id
    clientId: identity.outputs.clientId
    subnetId: closedNetwork ? network!.outputs.appSubnetId : ''
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    serviceBusHost: messaging.outputs.host
    vaultName: vault.outputs.name
    componentName: monitoring.outputs.componentName
    environmentName: environmentName
    dataverseUrl: dataverseUrl
    timeZone: timeZone
    signInClientId: signInClientId
    appSettings: appSettings
  }
}

module signIn 'modules/sign-in.bicep' = if (!empty(signInClientId)) {
  name: 'sign-in'
  params: {
    appName: app.outputs.name
    clientId: signInClientId
  }
}

module alarms 'modules/alarms.bicep' = {
  name: 'alarms'
  params: {
    prefix: name
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    emails: alarmEmails
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    title: 'Spotler Connector, ${environmentName}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_HOST string = app.outputs.host
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output SERVICE_BUS_NAMESPACE string = messaging.outputs.host
output DATAVERSE_QUEUE string = messaging.outputs.eventsQueue
output DATAVERSE_QUEUE_RULE string = messaging.outputs.eventsRule
output STORAGE_ACCOUNT string = storage.outputs.name
output PACKAGE_CONTAINER string = storage.outputs.packageContainer
output KEY_VAULT_NAME string = vault.outputs.name
