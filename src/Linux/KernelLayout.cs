namespace CniPlugins.Linux;

/// <summary>This type has the layout of a C struct; tests/abi proves size and offsets with the compiler.</summary>
/// <param name="name">The C type, such as <c>struct ifinfomsg</c>.</param>
/// <param name="header">The header that declares it, such as <c>linux/rtnetlink.h</c>.</param>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class KernelStructAttribute(string name, string header) : Attribute
{
    /// <summary>The C type.</summary>
    public string Name { get; } = name;

    /// <summary>The header that declares it.</summary>
    public string Header { get; } = header;
}

/// <summary>This field stands for a member of the C struct.</summary>
/// <param name="name">The C member, such as <c>ifi_family</c>.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class KernelFieldAttribute(string name) : Attribute
{
    /// <summary>The C member.</summary>
    public string Name { get; } = name;
}

/// <summary>The members of this enum are C constants: prefix and member name together; tests/abi proves the values.</summary>
/// <param name="prefix">What stands before each member's name, such as <c>IFLA_</c>.</param>
/// <param name="header">The header that declares them.</param>
[AttributeUsage(AttributeTargets.Enum)]
public sealed class KernelEnumAttribute(string prefix, string header) : Attribute
{
    /// <summary>What stands before each member's name.</summary>
    public string Prefix { get; } = prefix;

    /// <summary>The header that declares them.</summary>
    public string Header { get; } = header;
}

/// <summary>The constant came with this kernel and is not in Debian 12's headers (6.1), so it cannot be proved there.</summary>
/// <param name="kernel">The first kernel that has it, such as <c>6.3</c>.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class NewerThanHeadersAttribute(string kernel) : Attribute
{
    /// <summary>The first kernel that has it.</summary>
    public string Kernel { get; } = kernel;
}
