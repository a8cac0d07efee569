// For `az deployment group create --parameters infra/main.bicepparam`. Secrets come from the environment, never from here.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param spotlerKey = readEnvironmentVariable('SPOTLER_KEY', '')
param spotlerSecret = readEnvironmentVariable('SPOTLER_SECRET', '')
param alarmEmails = readEnvironmentVariable('ALARM_EMAILS', '')
