// The workbook of infra/workbook.json.
param location string
param tags object
param workspaceId string
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, 'spotler-connector-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Spotler Connector'
    category: 'workbook'
    sourceId: insightsId
    // The file names the workspace by a placeholder: it is the same for every environment.
    serializedData: replace(loadTextContent('../workbook.json'), '{workspace}', workspaceId)
  }
}
