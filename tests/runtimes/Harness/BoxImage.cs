using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace CniPlugins.RuntimeTests.Harness;

/// <summary>
/// The one image of these tests, made here since no registry is asked: busybox, and a page that tells who asks. An archive as
/// <c>docker save</c> writes it, which every runtime reads.
/// </summary>
internal static class BoxImage
{
    /// <summary>What the runtimes know it as.</summary>
    internal const string Name = "localhost/box:1";

    /// <summary>Debian's busybox-static.</summary>
    internal const string Busybox = "/usr/bin/busybox";

    private const UnixFileMode Executable = (UnixFileMode)0x1ED;   // 0755

    /// <summary>"NAME ADDRESS": which container answers, and whom it sees.</summary>
    private const string Who = "#!/bin/sh\necho 'Content-Type: text/plain'\necho\necho \"$(cat /tmp/name) $REMOTE_ADDR\"\n";

    private static readonly string[] s_tools =
        ["cat", "echo", "false", "hostname", "httpd", "id", "ip", "ls", "nc", "ping", "sh", "sleep", "timeout", "true", "wget"];

    /// <summary>A command that serves the page on port 80 of both families under this name.</summary>
    internal static string[] Server(string name) => ["/bin/sh", "-c", $"echo {name} >/tmp/name; exec httpd -f -p [::]:80 -h /www"];

    /// <summary>Shows eth0's addresses of both families.</summary>
    internal static readonly string[] AddressCommand = ["ip", "-o", "address", "show", "scope", "global"];

    /// <summary>The address of a family ("inet", "inet6") in what <see cref="AddressCommand"/> shows of a link.</summary>
    internal static string Address(string shown, string family, string link = "eth0") =>
        shown.Split('\n').Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Single(words => words.Length > 3 && words[1] == link && words[2] == family)[3].Split('/')[0];

    /// <summary>Writes the archive.</summary>
    internal static void Write(string path)
    {
        byte[] layer = Layer();
        string digest = Convert.ToHexStringLower(SHA256.HashData(layer));
        string machine = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => "amd64",
            System.Runtime.InteropServices.Architecture other => other.ToString().ToLowerInvariant(),
        };
        string configuration =
            $$$"""{"architecture":"{{{machine}}}","os":"linux","config":{"Cmd":["/bin/sleep","1000000"],"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:{{{digest}}}"]}}""";
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(configuration)));
        using TarWriter archive = new(File.Create(path), TarEntryFormat.Pax);
        Add(archive, $"{name}.json", Encoding.UTF8.GetBytes(configuration));
        Add(archive, $"{digest}.tar", layer);
        Add(archive, "manifest.json", Encoding.UTF8.GetBytes(
            $$"""[{"Config":"{{name}}.json","RepoTags":["{{Name}}"],"Layers":["{{digest}}.tar"]}]"""));
    }

    private static byte[] Layer()
    {
        using MemoryStream stream = new();
        using (TarWriter layer = new(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (string directory in new[] { "bin", "dev", "etc", "proc", "root", "sys", "tmp", "www", "www/cgi-bin" })
            {
                layer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory) { Mode = Executable });
            }

            Add(layer, "bin/busybox", File.ReadAllBytes(Busybox));
            foreach (string tool in s_tools)
            {
                layer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, $"bin/{tool}") { LinkName = "busybox" });
            }

            Add(layer, "www/cgi-bin/who", Encoding.UTF8.GetBytes(Who));
            Add(layer, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"u8.ToArray());
        }

        return stream.ToArray();
    }

    private static void Add(TarWriter archive, string name, byte[] content) =>
        archive.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { Mode = Executable, DataStream = new MemoryStream(content) });
}
