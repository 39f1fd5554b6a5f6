metadata description = 'The workbook: gates by state, time to verdict, age of the queue, attempts lost.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Resource id of the Log Analytics workspace that it reads.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'scangate-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Scangate'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(loadTextContent('../workbook.json'), '{workspace-id}', workspaceId)
  }
}
