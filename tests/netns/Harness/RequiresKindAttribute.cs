using System.Reflection;
using Xunit.v3;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>The test, or all of the class, is skipped where the kernel lacks a kind of link; the reason is the kernel's answer.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class RequiresKindAttribute(string kind) : BeforeAfterTestAttribute
{
    /// <summary>As <c>ip link add … type KIND</c> has it.</summary>
    public string Kind { get; } = kind;

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => Harness.Kernel.RequireKind(Kind);
}
