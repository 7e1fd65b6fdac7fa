namespace CniPlugins.Linux;

/// <summary>
/// The structure has the layout of one in the kernel's headers. tests/abi collects these marks by reflection and has a C compiler prove size
/// and offsets; nothing reads them at run time.
/// </summary>
/// <param name="name">The C type, <c>struct ifinfomsg</c>.</param>
/// <param name="header">Where it is declared, <c>linux/rtnetlink.h</c>.</param>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class KernelStructAttribute(string name, string header) : Attribute
{
    /// <summary>The C type.</summary>
    public string Name { get; } = name;

    /// <summary>The header, relative to the include directory.</summary>
    public string Header { get; } = header;
}

/// <summary>The field has the offset and the size of one of the kernel's structure. A field without this mark is padding.</summary>
/// <param name="name">The C field, <c>ifi_family</c>; <c>a.b</c> names one of a structure within.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class KernelFieldAttribute(string name) : Attribute
{
    /// <summary>The C field.</summary>
    public string Name { get; } = name;
}

/// <summary>The members are constants of the kernel's headers: each is called as the constant is, less the prefix.</summary>
/// <param name="prefix">What a member's name lacks, <c>IFLA_</c>.</param>
/// <param name="header">Where they are declared, <c>linux/if_link.h</c>.</param>
[AttributeUsage(AttributeTargets.Enum)]
public sealed class KernelEnumAttribute(string prefix, string header) : Attribute
{
    /// <summary>The prefix.</summary>
    public string Prefix { get; } = prefix;

    /// <summary>The header, relative to the include directory.</summary>
    public string Header { get; } = header;
}

/// <summary>
/// The enum's member is called otherwise in C, since prefix and name do not make it: <c>[KernelName("RT_TABLE_MAIN")]</c>.
/// </summary>
/// <param name="name">The whole C constant.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class KernelNameAttribute(string name) : Attribute
{
    /// <summary>The C constant.</summary>
    public string Name { get; } = name;
}

/// <summary>The constant is younger than Debian 12's headers (Linux 6.1), so no compiler there can prove it: proved where it is known.</summary>
/// <param name="kernel">The version that brought it, <c>6.7</c>.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class NewerThanHeadersAttribute(string kernel) : Attribute
{
    /// <summary>The version of Linux.</summary>
    public string Kernel { get; } = kernel;
}
