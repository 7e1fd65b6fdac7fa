using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Publishing;
using CsCheck;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>What an operator writes to publish a port.</summary>
public sealed class PortFormTests
{
    private static readonly Gen<IPAddress> s_address = Gen.OneOf(
        Gen.Byte.Array[4].Select(static bytes => new IPAddress(bytes)),
        Gen.Byte.Array[16].Where(static bytes => bytes[0] != 0).Select(static bytes => new IPAddress(bytes)));

    [Theory]
    [InlineData("80", ":80/tcp")]
    [InlineData("80/udp", ":80/udp")]
    [InlineData(":80", ":80/tcp")]
    [InlineData("0:80", ":80/tcp")]
    [InlineData("8080:80", "8080:80/tcp")]
    [InlineData("8080:80/SCTP", "8080:80/sctp")]
    [InlineData("127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp")]
    [InlineData("127.0.0.1::80", "127.0.0.1::80/tcp")]
    [InlineData("[::1]:8080:80/udp", "[::1]:8080:80/udp")]
    [InlineData("[::]::80", "[::]::80/tcp")]
    [InlineData("[2001:DB8:0::1]:1:65535", "[2001:db8::1]:1:65535/tcp")]
    [InlineData("80-82", ":80/tcp :81/tcp :82/tcp")]
    [InlineData("127.0.0.1::80-81", "127.0.0.1::80/tcp 127.0.0.1::81/tcp")]
    [InlineData("8000-8002:8000-8002", "8000:8000/tcp 8001:8001/tcp 8002:8002/tcp")]
    [InlineData("8000-8001:80-81/udp", "8000:80/udp 8001:81/udp")]
    [InlineData("8000-8010:80", "8000-8010:80/tcp")]
    [InlineData("8000-8000:80-80", "8000:80/tcp")]
    public void Is_read(string text, string mappings)
    {
        Assert.True(PortForm.TryParse(text, out IReadOnlyList<PortMapping> read, out string? error), error);
        Assert.Equal(mappings, string.Join(' ', read));
    }

    [Theory]
    [InlineData("", "no port of the container")]
    [InlineData(":", "no port of the container")]
    [InlineData("::", "brackets")]
    [InlineData("8080:", "no port of the container")]
    [InlineData("8080:0", "no port of the container")]
    [InlineData("8080:65536", "no port of the container")]
    [InlineData("8080:80-", "no port of the container")]
    [InlineData("8080:-80", "no port of the container")]
    [InlineData("8080:85-80", "no port of the container")]
    [InlineData("8080:+80", "no port of the container")]
    [InlineData("8080: 80", "no port of the container")]
    [InlineData("8080:080", "no port of the container")]
    [InlineData("8080:٨٠", "no port of the container")]
    [InlineData("8080:80-81-82", "no port of the container")]
    [InlineData("x:80", "no port of the host")]
    [InlineData("8010-8000:80", "no port of the host")]
    [InlineData("0-10:80", "no port of the host")]
    [InlineData("65535-65536:80", "no port of the host")]
    [InlineData("8080:80/", "protocol")]
    [InlineData("8080:80/icmp", "protocol")]
    [InlineData("8080:80/tcp/udp", "protocol")]
    [InlineData("8000-8002:80-81", "do not go together")]
    [InlineData("8000:80-81", "do not go together")]
    [InlineData("::80", "brackets")]
    [InlineData("::1:8080:80", "brackets")]
    [InlineData("[::1]:80", "brackets")]
    [InlineData("[::1]", "brackets")]
    [InlineData("[::1", "brackets")]
    [InlineData("[::1]:1:2:3", "brackets")]
    [InlineData("127.0.0.1:1:2:3", "brackets")]
    [InlineData("[127.0.0.1]:8080:80", "no address")]
    [InlineData("[[::1]]:8080:80", "no address")]
    [InlineData("[]:8080:80", "no address")]
    [InlineData("[fe80::1%eth0]:8080:80", "no address")]
    [InlineData("localhost:8080:80", "no address")]
    [InlineData("127.1:8080:80", "no address")]
    [InlineData("127.0.0.1]:8080:80", "no address")]
    public void What_is_wrong_is_said(string text, string named)
    {
        Assert.False(PortForm.TryParse(text, out IReadOnlyList<PortMapping> read, out string? error));
        Assert.Empty(read);
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_written_is_read_again() => Gen.Select(
        s_address.Array[0, 1], Gen.UShort, Gen.Int[0, 50], Gen.UShort[1, ushort.MaxValue],
        Gen.Int[0, 2].Select(static i => i == 0 ? PortProtocol.Tcp : i == 1 ? PortProtocol.Udp : PortProtocol.Sctp)).Sample((addresses, first, more, container, protocol) =>
    {
        ushort last = first == 0 ? first : (ushort)Math.Min(first + more, ushort.MaxValue);
        PortMapping mapping = new(first, container, protocol, addresses) { LastHostPort = last };

        Assert.True(PortForm.TryParse(mapping.ToString(), out IReadOnlyList<PortMapping> read, out string? error), $"{mapping}: {error}");

        PortMapping same = Assert.Single(read);
        Assert.Equal(mapping.ToString(), same.ToString());
        Assert.Equal(
            (mapping.HostPort, mapping.LastHostPort, mapping.ContainerPort, mapping.Protocol),
            (same.HostPort, same.LastHostPort, same.ContainerPort, same.Protocol));
        Assert.Equal(addresses, same.HostAddresses);
    });

    [Fact]
    public void Hostile_text_is_refused_or_read_and_nothing_else() => Gen.String[Gen.Char["0123456789:-/[].tcpudsx%ﬀ"], 0, 40].Sample(static text =>
    {
        bool read = PortForm.TryParse(text, out IReadOnlyList<PortMapping> mappings, out string? error);
        Assert.Equal(read, error is null);
        Assert.Equal(read, mappings.Count > 0);
        Assert.All(mappings, static mapping => Assert.True(
            mapping.ContainerPort > 0 && mapping.LastHostPort >= mapping.HostPort && mapping.HostAddresses.All(static a => a.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)));
    });
}
