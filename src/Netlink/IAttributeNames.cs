namespace CniPlugins.Netlink;

/// <summary>Names the attributes of a family's requests, for errors and traces.</summary>
public interface IAttributeNames
{
    /// <summary>The message's name, such as <c>RTM_NEWLINK</c>.</summary>
    string MessageName(ushort messageType);

    /// <summary>Length of the family's header between <c>struct nlmsghdr</c> and the first attribute.</summary>
    int HeaderLength(ushort messageType);

    /// <summary>
    /// The name of an attribute, without its scope's prefix. <paramref name="scope"/> is null for the message's own attributes, else what
    /// an outer attribute gave as its <paramref name="inner"/>; <paramref name="inner"/> null means: has no attributes within.
    /// <paramref name="before"/> are the attributes before it in its scope: what IFLA_INFO_DATA holds is said by IFLA_INFO_KIND.
    /// </summary>
    string AttributeName(ushort messageType, string? scope, ushort type, ReadOnlySpan<byte> before, out string? inner);
}
