// Private endpoints of storage and key vault, each with the DNS zone by which the app finds it.
param location string
param tags object
param networkId string
param subnetId string
param storageId string
param vaultId string

var targets = [
  {
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
    service: storageId
  }
  {
    group: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
    service: storageId
  }
  {
    group: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
    service: storageId
  }
  {
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
    service: vaultId
  }
]

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [for target in targets: {
  name: target.zone
  location: 'global'
  tags: tags
  properties: {}
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [for (target, index) in targets: {
  parent: zones[index]
  name: uniqueString(networkId)
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2023-11-01' = [for target in targets: {
  name: 'pe-${target.group}-${uniqueString(target.service)}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: target.group
        properties: {
          privateLinkServiceId: target.service
          groupIds: [
            target.group
          ]
        }
      }
    ]
  }
}]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2023-11-01' = [for (target, index) in targets: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.group
        properties: {
          privateDnsZoneId: zones[index].id
        }
      }
    ]
  }
}]
