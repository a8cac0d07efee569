// The plan, the function app, its settings and its sign-in.
param name string
param planName string
param location string
param tags object
param plan string
param instanceMemoryMB int
param subnetId string
param identityId string
param identityClientId string
param storageName string
param packageContainerName string
param serviceBusName string
param vaultName string
param insightsName string
param environmentName string
param dataverseUrl string
param appSettings object
param signInClientId string

var isFlex = plan == 'flex'

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource flexPlan 'Microsoft.Web/serverfarms@2024-04-01' = if (isFlex) {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource premiumPlan 'Microsoft.Web/serverfarms@2024-04-01' = if (!isFlex) {
  name: planName
  location: location
  tags: tags
  kind: 'elastic'
  sku: { name: 'EP1', tier: 'ElasticPremium' }
  properties: { reserved: true, maximumElasticWorkerCount: 20 }
}

resource flexApp 'Microsoft.Web/sites@2024-04-01' = if (isFlex) {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'connector' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: flexPlan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${account.properties.primaryEndpoints.blob}${packageContainerName}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      // 40 is the lowest maximum that the platform allows.
      scaleAndConcurrency: { maximumInstanceCount: 40, instanceMemoryMB: instanceMemoryMB }
      runtime: { name: 'python', version: '3.12' }
    }
    siteConfig: { minTlsVersion: '1.2', ftpsState: 'Disabled' }
  }
}

resource premiumApp 'Microsoft.Web/sites@2024-04-01' = if (!isFlex) {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'connector' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: premiumPlan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: { linuxFxVersion: 'Python|3.12', minTlsVersion: '1.2', ftpsState: 'Disabled' }
  }
}

// No time zone: Flex Consumption does not support one, and the app computes local schedules itself.
var settings = {
  AzureWebJobsStorage__accountName: account.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // Azure's libraries find a user-assigned identity by this name alone.
  AZURE_CLIENT_ID: identityClientId
  SERVICE_BUS__fullyQualifiedNamespace: '${serviceBusName}.servicebus.windows.net'
  SERVICE_BUS__credential: 'managedidentity'
  SERVICE_BUS__clientId: identityClientId
  STATE_STORAGE__tableServiceUri: account.properties.primaryEndpoints.table
  DATAVERSE_URL: dataverseUrl
  DATAVERSE_TENANT_ID: tenant().tenantId
  DATAVERSE_CLIENT_ID: identityClientId
  SPOTLER_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=SPOTLER-KEY)'
  SPOTLER_SECRET: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=SPOTLER-SECRET)'
  FINGERPRINT_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=FINGERPRINT-KEY)'
  ENVIRONMENT: environmentName
}
var premiumSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'python'
  WEBSITE_RUN_FROM_PACKAGE: '1'
}
var signInSettings = { OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId }

resource flexSettings 'Microsoft.Web/sites/config@2024-04-01' = if (isFlex) {
  parent: flexApp
  name: 'appsettings'
  properties: union(settings, empty(signInClientId) ? {} : signInSettings, appSettings)
}

resource allPremiumSettings 'Microsoft.Web/sites/config@2024-04-01' = if (!isFlex) {
  parent: premiumApp
  name: 'appsettings'
  properties: union(settings, premiumSettings, empty(signInClientId) ? {} : signInSettings, appSettings)
}

resource site 'Microsoft.Web/sites@2024-04-01' existing = {
  name: name
}

// Keys still work beside the sign-in: a request without a token reaches the function, which asks for its key.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(signInClientId)) {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true, runtimeVersion: '~1' }
    globalValidation: { requireAuthentication: false, unauthenticatedClientAction: 'AllowAnonymous' }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          // No secret: the identity of the app is a federated credential of the registration.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: { allowedAudiences: ['api://${signInClientId}', signInClientId] }
      }
    }
  }
  dependsOn: [flexApp, premiumApp]
}

output name string = name
output url string = 'https://${isFlex ? flexApp!.properties.defaultHostName : premiumApp!.properties.defaultHostName}'
