// The function app and its settings. On the plan flex, time-zone settings and FUNCTIONS_* must not be given.
param name string
param planName string
param location string
param tags object
param plan string
param instanceMemory int
param maximumInstances int
param identityId string
param clientId string
param subnetId string
param storageName string
param packageContainer string
param serviceBusHost string
param vaultName string
param componentName string
param environmentName string
param dataverseUrl string
param timeZone string
param signInClientId string
@secure()
param appSettings object

var pythonVersion = '3.12'
var isFlex = plan == 'flex'
var packageUrl = '${account.properties.primaryEndpoints.blob}${packageContainer}'

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource server 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: isFlex ? 'functionapp' : 'elastic'
  sku: isFlex ? {
    name: 'FC1'
    tier: 'FlexConsumption'
  } : {
    name: 'EP1'
    tier: 'ElasticPremium'
  }
  properties: isFlex ? {
    reserved: true
  } : {
    reserved: true
    maximumElasticWorkerCount: 20
  }
}

var flexProperties = {
  functionAppConfig: {
    deployment: {
      storage: {
        type: 'blobContainer'
        value: packageUrl
        authentication: {
          type: 'UserAssignedIdentity'
          userAssignedIdentityResourceId: identityId
        }
      }
    }
    scaleAndConcurrency: {
      maximumInstanceCount: maximumInstances
      instanceMemoryMB: instanceMemory
    }
    runtime: {
      name: 'python'
      version: pythonVersion
    }
  }
  siteConfig: {
    minTlsVersion: '1.2'
    ftpsState: 'Disabled'
  }
}

var premiumProperties = {
  siteConfig: {
    minTlsVersion: '1.2'
    ftpsState: 'Disabled'
    linuxFxVersion: 'Python|${pythonVersion}'
    minimumElasticInstanceCount: 1
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'connector'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: union(isFlex ? flexProperties : premiumProperties, {
    serverFarmId: server.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
  })
}

var connectorSettings = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
  SERVICE_BUS__fullyQualifiedNamespace: serviceBusHost
  SERVICE_BUS__credential: 'managedidentity'
  SERVICE_BUS__clientId: clientId
  STATE_STORAGE__tableServiceUri: account.properties.primaryEndpoints.table
  AZURE_CLIENT_ID: clientId
  DATAVERSE_URL: dataverseUrl
  DATAVERSE_TENANT_ID: subscription().tenantId
  DATAVERSE_CLIENT_ID: clientId
  SPOTLER_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=spotler-key)'
  SPOTLER_SECRET: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=spotler-secret)'
  FINGERPRINT_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=fingerprint-key)'
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
  ENVIRONMENT: toLower(replace(replace(environmentName, '-', ''), '_', ''))
  SCHEDULE_TIME_ZONE: timeZone
}

// On the plan premium the package is a blob that the deployment uploads, with its packages in it.
var premiumSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'python'
  WEBSITE_RUN_FROM_PACKAGE: '${packageUrl}/connector.zip'
  WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
}

// Sign-in proves itself with the identity, a federated credential of the app registration, instead of a secret.
var signInSettings = {
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: clientId
}

// This replaces all settings: `deploy` and the hooks of azd hand those that the app has besides over as appSettings.
resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: union(connectorSettings, isFlex ? {} : premiumSettings, empty(signInClientId) ? {} : signInSettings, appSettings)
}

output name string = site.name
output host string = site.properties.defaultHostName
