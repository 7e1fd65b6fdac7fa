namespace CniPlugins.Linux;

/// <summary>This member's constant is called otherwise in C than prefix and member name together.</summary>
/// <param name="name">The whole C constant, such as <c>RT_TABLE_MAIN</c>.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class KernelNameAttribute(string name) : Attribute
{
    /// <summary>The C constant.</summary>
    public string Name { get; } = name;
}
