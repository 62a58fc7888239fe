// Definitions as libvirt 9 writes them, shortened to what vfleet reads and some that it does not know.

export const liveXml = `<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web-1</name>
  <uuid>670aafad-6532-45b9-bbca-69bea8497faa</uuid>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static' cpuset='0-7,^3'>4</vcpu>
  <cputune>
    <vcpupin vcpu='1' cpuset='2'/>
    <emulatorpin cpuset='0-1'/>
  </cputune>
  <numatune>
    <memory mode='restrictive' nodeset='0-1'/>
  </numatune>
  <devices>
    <controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>
    <controller type='pci' index='1' model='pcie-root-port'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0' multifunction='on'/>
    </controller>
    <controller type='pci' index='2' model='pcie-root-port'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x1'/>
    </controller>
    <controller type='pci' index='3' model='pcie-root-port'>
      <target chassis='3' port='0x12' hotplug='off'/>
    </controller>
    <controller type='pci' index='4' model='pcie-root-port'/>
    <controller type='pci' index='5' model='pcie-root-port'/>
    <interface type='bridge'>
      <mac address='52:54:00:00:00:01'/>
      <source bridge='ovsbr0'/>
      <vlan><tag id='42'/></vlan>
      <virtualport type='openvswitch'><parameters interfaceid='8b0dbb35-c5c8-4b03-8a72-e3c4a4e17b5b'/></virtualport>
      <target dev='vnet3'/>
      <model type='virtio'/>
      <teaming type='persistent'/>
      <alias name='ua-standby'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <interface type='hostdev' managed='yes'>
      <mac address='52:54:00:00:00:01'/>
      <driver name='vfio'/>
      <source><address type='pci' domain='0x0000' bus='0x3b' slot='0x10' function='0x2'/></source>
      <vlan trunk='yes'><tag id='42'/><tag id='43'/></vlan>
      <teaming type='transient' persistent='ua-standby'/>
      <alias name='ua-vf'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </interface>
    <interface type='network'>
      <mac address='52:54:00:00:00:02'/>
      <source network='default' portid='a' bridge='virbr0'/>
      <target dev='vnet4'/>
      <model type='e1000e'/>
      <alias name='net2'/>
    </interface>
    <interface type='vhostuser'>
      <source type='unix' path='/tmp/vhost.sock' mode='server'/>
      <address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>
    </interface>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <driver name='vfio'/>
      <source><address domain='0x0000' bus='0x3b' slot='0x10' function='0x4'/></source>
      <alias name='hostdev1'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </hostdev>
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>
  </devices>
  <qemu:commandline><qemu:arg value='-newarg'/></qemu:commandline>
</domain>`;
