using System.Globalization;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>Bytes that another tool, or the kernel, wrote: tests/fixtures/NAME.hex; what follows # is for readers.</summary>
internal static class Fixture
{
    public static byte[] Read(string name) =>
    [
        .. File.ReadLines(Path.Combine(Repository.Root, "tests/fixtures", name + ".hex"))
            .SelectMany(static line => line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(static word => byte.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
    ];
}
