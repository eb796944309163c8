//! Dense handles of resources, in AWS's own prefixes. `...Id` is kept for AWS's string ids.

use crate::index_type;

index_type! {
    /// An elastic network interface.
    pub EniIx;
    /// A subnet.
    pub SubnetIx;
    /// A VPC.
    pub VpcIx;
    /// A route table.
    pub RtbIx;
    /// A network ACL.
    pub AclIx;
    /// A security group.
    pub SgIx;
    /// A distinct set of security groups that some interface has.
    pub SgSetIx;
    /// A prefix list.
    pub PlIx;
    /// An internet gateway.
    pub IgwIx;
    /// An egress-only internet gateway.
    pub EigwIx;
    /// A NAT gateway.
    pub NatIx;
    /// A VPC peering connection.
    pub PcxIx;
    /// A transit gateway.
    pub TgwIx;
    /// An attachment to a transit gateway; a peering of two has one on each side.
    pub TgwAttachIx;
    /// A route table of a transit gateway.
    pub TgwRtbIx;
    /// A multicast domain of a transit gateway.
    pub McastIx;
    /// A VPC endpoint.
    pub VpceIx;
    /// An endpoint service.
    pub SvcIx;
    /// A virtual private gateway.
    pub VgwIx;
    /// A tunnel of a VPN connection.
    pub TunnelIx;
    /// AWS's public network, as one Region sees it: the number that VPCs carry for it.
    pub PublicIx;
    /// A Direct Connect gateway.
    pub DxgwIx;
    /// A link aggregation group of Direct Connect connections.
    pub LagIx;
    /// A virtual interface of a Direct Connect connection.
    pub VifIx;
    /// A router of an on-premises site.
    pub RouterIx;
    /// An end of a BGP session.
    pub SpeakerIx;
    /// A Client VPN endpoint.
    pub CvpnIx;
    /// A client of a Client VPN endpoint.
    pub CvpnClientIx;
    /// A traffic mirror filter.
    pub MirrorFilterIx;
    /// A traffic mirror session.
    pub MirrorSessionIx;
    /// A guest: the operating system of an instance.
    pub GuestIx;
    /// A described host outside of AWS: on the internet, or at a site.
    pub InetIx;
    /// A resource that is not modelled.
    pub NmIx;
}
