using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>What a resolv.conf(5) says, as <c>resolvConf</c> passes it on in the result. Values are passed as they are.</summary>
/// <param name="Nameservers">Every <c>nameserver</c>, in order.</param>
/// <param name="Domain">The last <c>domain</c>; null when there is none.</param>
/// <param name="Search">The words of every <c>search</c>, in order.</param>
/// <param name="Options">The words of every <c>options</c>, in order.</param>
public sealed record ResolvConf(
    IReadOnlyList<string> Nameservers, string? Domain, IReadOnlyList<string> Search, IReadOnlyList<string> Options)
{
    private const int SizeLimit = 64 * 1024;

    /// <summary>Reads a file. It may be a link, as /etc/resolv.conf often is.</summary>
    /// <exception cref="LinuxException">It cannot be read.</exception>
    /// <exception cref="IpamConfigException">It is no regular file, or too large to be a resolv.conf.</exception>
    public static ResolvConf Read(string path)
    {
        byte[] content = StateFiles.FindContent(path, SizeLimit)
            ?? throw new IpamConfigException($"resolvConf {path} is not a regular file of at most {SizeLimit} bytes");
        return Parse(Encoding.UTF8.GetString(content));
    }

    /// <summary>Reads the text. Comments (<c>#</c>, <c>;</c>), unknown words and lines without a value are passed over.</summary>
    public static ResolvConf Parse(string text)
    {
        List<string> nameservers = [], search = [], options = [];
        string? domain = null;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            ReadOnlySpan<char> content = line.Trim();
            if (content.IsEmpty || content[0] is '#' or ';')
            {
                continue;
            }

            string[] words = content.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2)
            {
                continue;
            }

            switch (words[0])
            {
                case "nameserver":
                    nameservers.Add(words[1]);
                    break;
                case "domain":
                    domain = words[1];
                    break;
                case "search":
                    search.AddRange(words.AsSpan(1));
                    break;
                case "options":
                    options.AddRange(words.AsSpan(1));
                    break;
            }
        }

        return new ResolvConf(nameservers, domain, search, options);
    }
}
