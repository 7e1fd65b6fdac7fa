using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.AbiTests;

/// <summary>Every structure and constant of the kernel's interface, proved by the C compiler against the installed headers.</summary>
public sealed class KernelLayoutTests
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    public static TheoryData<string> Structs => [.. MarkedBy<KernelStructAttribute>([.. Everything(), typeof(Example)])];

    public static TheoryData<string> Enums => [.. MarkedBy<KernelEnumAttribute>([.. Everything(), typeof(ExampleValues)])];

    [Theory, MemberData(nameof(Structs))]
    public void A_structure_has_the_kernels_size_and_offsets(string name) => Prove(OfStruct(Get(name)));

    [Theory, MemberData(nameof(Enums))]
    public void An_enum_has_the_kernels_values(string name) => Prove(OfEnum(Get(name)));

    [Fact]
    public void Nothing_in_a_Uapi_namespace_is_unproved()
    {
        IEnumerable<string?> unproved = Everything()
            .Where(static t => t.Namespace?.EndsWith(".Uapi", StringComparison.Ordinal) == true && (t.IsEnum || t.IsValueType))
            .Where(static t => t.GetCustomAttribute<CompilerGeneratedAttribute>() is null)   // a fixed buffer, proved by its field
            .Where(static t => t.GetCustomAttribute<KernelEnumAttribute>() is null && t.GetCustomAttribute<KernelStructAttribute>() is null)
            .Select(static t => t.FullName);

        Assert.Empty(unproved);
    }

    [Fact]
    public void No_field_of_a_structure_is_unproved_but_padding()
    {
        IEnumerable<string> unproved = Everything()
            .Where(static t => t.GetCustomAttribute<KernelStructAttribute>() is not null)
            .SelectMany(static t => t.GetFields(Fields))
            .Where(static f => !f.IsPrivate && f.GetCustomAttribute<KernelFieldAttribute>() is null)
            .Select(static f => $"{f.DeclaringType!.FullName}.{f.Name}");

        Assert.Empty(unproved);
    }

    /// <summary>The proof itself: each kind of mistake is found and shown. (That right examples pass, the theories show.)</summary>
    [Fact]
    public void A_mistake_is_found()
    {
        Assert.Contains("sizeof(struct ifinfomsg)", Refusal(OfStruct(typeof(TooShort))), StringComparison.Ordinal);
        Assert.Contains("offsetof(struct ifinfomsg, ifi_index)", Refusal(OfStruct(typeof(Swapped))), StringComparison.Ordinal);
        Assert.Contains("IFLA_MTU == 5", Refusal(OfEnum(typeof(WrongValue))), StringComparison.Ordinal);
        Assert.Contains("IFLA_NO_SUCH_THING", Refusal(OfEnum(typeof(NoSuchName))), StringComparison.Ordinal);
    }

    private static IEnumerable<Type> Everything() =>
        new[] { "CniPlugins.Linux", "CniPlugins.Netlink", "CniPlugins.Nftables", "CniPlugins.Bpf" }.SelectMany(static name => Assembly.Load(name).GetTypes());

    private static IEnumerable<string> MarkedBy<T>(IEnumerable<Type> types)
        where T : Attribute => types.Where(static t => t.GetCustomAttribute<T>() is not null).Select(static t => t.FullName!).Order();

    private static Type Get(string name) => Everything().Append(typeof(Example)).Append(typeof(ExampleValues)).Single(t => t.FullName == name);

    private static string OfStruct(Type type)
    {
        KernelStructAttribute mark = type.GetCustomAttribute<KernelStructAttribute>()!;
        StringBuilder source = Begin(mark.Header);
        Assertion(source, $"sizeof({mark.Name}) == {Marshal.SizeOf(type)}");
        foreach (FieldInfo field in type.GetFields(Fields))
        {
            if (field.GetCustomAttribute<KernelFieldAttribute>() is { } c)
            {
                Assertion(source, $"offsetof({mark.Name}, {c.Name}) == {Marshal.OffsetOf(type, field.Name)}");
                Assertion(source, $"sizeof((({mark.Name} *)0)->{c.Name}) == {Marshal.SizeOf(UnderlyingType(field.FieldType))}");
            }
        }

        return source.ToString();
    }

    private static string OfEnum(Type type)
    {
        KernelEnumAttribute mark = type.GetCustomAttribute<KernelEnumAttribute>()!;
        StringBuilder source = Begin(mark.Header);
        foreach (FieldInfo member in type.GetFields(BindingFlags.Static | BindingFlags.Public))
        {
            string name = member.GetCustomAttribute<KernelNameAttribute>()?.Name ?? mark.Prefix + member.Name;
            string assertion = $"{name} == {Literal(member.GetRawConstantValue()!)}";
            if (member.GetCustomAttribute<NewerThanHeadersAttribute>() is { } newer)
            {
                source.AppendLine(CultureInfo.InvariantCulture, $"#if LINUX_VERSION_CODE >= KERNEL_VERSION({newer.Kernel.Replace('.', ',')},0)");
                Assertion(source, assertion);
                source.AppendLine("#endif");
            }
            else
            {
                Assertion(source, assertion);
            }
        }

        return source.ToString();
    }

    private static Type UnderlyingType(Type type) => type.IsEnum ? Enum.GetUnderlyingType(type) : type;

    /// <summary>With its width, so that a large unsigned value is not compared as a negative one.</summary>
    private static string Literal(object value) => value switch
    {
        ulong u => $"{u}ULL",
        long l => $"{l}LL",
        uint u => $"{u}U",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>sys/socket.h and netinet/in.h come first: some of the kernel's headers do not stand alone.</summary>
    private static StringBuilder Begin(string header) => new StringBuilder()
        .AppendLine("#include <stddef.h>").AppendLine("#include <sys/socket.h>").AppendLine("#include <netinet/in.h>")
        .AppendLine("#include <linux/types.h>").AppendLine("#include <linux/ioctl.h>").AppendLine("#include <linux/version.h>").AppendLine("#include <linux/netlink.h>")
        .AppendLine(CultureInfo.InvariantCulture, $"#include <{header}>");

    private static void Assertion(StringBuilder source, string expression) =>
        source.AppendLine(CultureInfo.InvariantCulture, $"_Static_assert({expression}, \"{expression}\");");

    private static void Prove(string source)
    {
        string answer = Compile(source);
        Assert.True(answer.Length == 0, answer);
    }

    private static string Refusal(string source)
    {
        string answer = Compile(source);
        Assert.NotEmpty(answer);
        return answer;
    }

    /// <summary>The compiler's errors; empty when it accepts.</summary>
    private static string Compile(string source)
    {
        ProcessStartInfo start = new("gcc", ["-fsyntax-only", "-std=gnu11", "-xc", "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        using Process gcc = Process.Start(start)!;
        gcc.StandardInput.Write(source);
        gcc.StandardInput.Close();
        string errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        return gcc.ExitCode == 0 ? "" : errors;
    }

    [KernelStruct("struct ifinfomsg", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
    private readonly struct Example
    {
        [KernelField("ifi_family")] private readonly byte _family;
        private readonly byte _pad;
        [KernelField("ifi_type")] private readonly ushort _type;
        [KernelField("ifi_index")] private readonly int _index;
        [KernelField("ifi_flags")] private readonly uint _flags;
        [KernelField("ifi_change")] private readonly uint _change;
    }

    [KernelStruct("struct ifinfomsg", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
    private readonly struct TooShort
    {
        [KernelField("ifi_family")] private readonly byte _family;
        [KernelField("ifi_type")] private readonly ushort _type;
    }

    [KernelStruct("struct ifinfomsg", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
    private readonly struct Swapped
    {
        [KernelField("ifi_family")] private readonly byte _family;
        [KernelField("ifi_type")] private readonly ushort _type;
        [KernelField("ifi_flags")] private readonly uint _flags;
        [KernelField("ifi_index")] private readonly int _index;
        [KernelField("ifi_change")] private readonly uint _change;
    }

    [KernelEnum("IFLA_", "linux/if_link.h")]
    private enum ExampleValues
    {
        MTU = 4,
        [KernelName("IFLA_IFNAME")] Name = 3,
        [NewerThanHeaders("99.1")] FUTURE = 250,
    }

    [KernelEnum("IFLA_", "linux/if_link.h")]
    private enum WrongValue
    {
        MTU = 5,
    }

    [KernelEnum("IFLA_", "linux/if_link.h")]
    private enum NoSuchName
    {
        NO_SUCH_THING = 1,
    }
}
