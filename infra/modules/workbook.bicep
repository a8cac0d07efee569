// The workbook: latency, backlog, outcomes, budgets, errors, poll, reconciliation.
param title string
param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, 'spotler-connector-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: title
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(loadTextContent('../workbook.json'), '<workspace>', workspaceId)
  }
}
