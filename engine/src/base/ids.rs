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
    /// A guest: the operating system of an instance.
    pub GuestIx;
    /// A described host on the internet.
    pub InetIx;
    /// A resource that is not modelled.
    pub NmIx;
}
