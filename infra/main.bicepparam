// Parameters for `az deployment group create --parameters infra/main.bicepparam`; secrets come from the environment.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param spotlerKey = readEnvironmentVariable('SPOTLER_KEY', '')
param spotlerSecret = readEnvironmentVariable('SPOTLER_SECRET', '')
param fingerprintKey = readEnvironmentVariable('FINGERPRINT_KEY', '')
param alarmEmails = json(readEnvironmentVariable('ALARM_EMAILS', '[]'))
