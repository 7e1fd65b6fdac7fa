using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Plugins.Portmap;

/// <summary>
/// <c>conditionsV4</c> and <c>conditionsV6</c>: matches in the words of nft (<c>ip saddr != 10.0.0.0/8</c>) or of iptables (<c>! -s 10.0.0.0/8</c>). Those on
/// source and destination address are understood: they become elements of a set. Others would need a rule for each network.
/// </summary>
internal static class ConditionText
{
    private const string Hint =
        "only matches on source and destination addresses are understood, such as \"ip saddr 192.0.2.0/24\", \"ip daddr != 192.0.2.1\" or \"-s 192.0.2.0/24\"";

    /// <summary>The conditions of a family; nothing when there are none.</summary>
    /// <exception cref="CniException">A match is not understood, or nothing passes (7).</exception>
    public static IEnumerable<PublishConditions> Read(ConfigObject root, string key, AddressFamily family)
    {
        // One token each, or several in one string: the reference hands them to nft, to which that is the same.
        string[] words = [.. (root.FindStrings(key) ?? []).SelectMany(static text => text.Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries))];
        if (words.Length == 0)
        {
            // None is one thing, a template that came out empty another: it was meant to keep somebody out.
            return root.FindStrings(key) is { Count: > 0 }
                ? throw new CniException(CniErrorCode.InvalidConfig, $"{root.PathOf(key)} has no match in it: write one, or leave the key out")
                : [];
        }

        Tokens tokens = new(words, root.PathOf(key), family);
        while (!tokens.AtEnd)
        {
            tokens.ReadMatch();
        }

        return [new PublishConditions(family, tokens.Sources, tokens.Destinations)];
    }

    private sealed class Tokens(string[] words, string path, AddressFamily family)
    {
        private int _next;

        public IReadOnlyList<AddressSpan>? Sources { get; private set; }

        public IReadOnlyList<AddressSpan>? Destinations { get; private set; }

        public bool AtEnd => _next == words.Length;

        public void ReadMatch()
        {
            bool negated = Take("!");
            bool ofSource;
            if (Take("-s") || Take("--source") || Take("--src"))
            {
                ofSource = true;
            }
            else if (Take("-d") || Take("--destination") || Take("--dst"))
            {
                ofSource = false;
            }
            else if (!negated && Take(family == AddressFamily.InterNetwork ? "ip" : "ip6"))
            {
                ofSource = Take("saddr") || (Take("daddr") ? false : throw Unknown());
                negated = Take("!=") || (Take("==") && false);
            }
            else
            {
                throw Unknown();
            }

            IReadOnlyList<AddressSpan> spans = ReadAddresses();
            Add(ofSource, negated ? AddressSpan.Except(family, spans) : spans);
        }

        private List<AddressSpan> ReadAddresses()
        {
            List<AddressSpan> spans = [];
            if (!Take("{"))
            {
                spans.Add(ReadAddress());
                return spans;
            }

            while (!Take("}"))
            {
                spans.Add(ReadAddress());
            }

            return spans;
        }

        private AddressSpan ReadAddress() =>
            !AtEnd && AddressSpan.TryParse(words[_next], out AddressSpan span) && span.IsIPv4 == (family == AddressFamily.InterNetwork)
                ? Advance(span)
                : throw Unknown();

        private AddressSpan Advance(AddressSpan span)
        {
            _next++;
            return span;
        }

        private void Add(bool ofSource, IReadOnlyList<AddressSpan> spans)
        {
            if (spans.Count == 0)
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{path} lets nobody pass: no port would be reached");
            }

            if ((ofSource ? Sources : Destinations) is not null)
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{path} has two matches on the same address: write one, with a set such as {{ 192.0.2.1, 192.0.2.2 }}");
            }

            if (ofSource)
            {
                Sources = spans;
            }
            else
            {
                Destinations = spans;
            }
        }

        private bool Take(string word)
        {
            bool found = !AtEnd && words[_next] == word;
            _next += found ? 1 : 0;
            return found;
        }

        private CniException Unknown() => new(
            CniErrorCode.InvalidConfig, $"{path} says \"{string.Join(' ', words)}\", of which {(AtEnd ? "the end is missing" : $"\"{words[_next]}\" is not understood")}: {Hint}");
    }
}
