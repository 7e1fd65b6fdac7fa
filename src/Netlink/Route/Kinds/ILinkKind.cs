using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>What is special about one kind of link when it is made: its name and the content of IFLA_INFO_DATA.</summary>
public interface ILinkKind
{
    /// <summary>IFLA_INFO_KIND, such as <c>veth</c>.</summary>
    string Kind { get; }

    /// <summary>Writes IFLA_INFO_DATA, or nothing.</summary>
    void WriteData(AttributeWriter<IFLA_INFO> info)
    {
    }
}
