using System.Globalization;

namespace CniPlugins.Plugins.Tuning;

/// <summary>
/// Reads a regular expression in the syntax that allow lists are written in (RE2's), without what they have no use for: what is not understood is refused.
/// </summary>
internal sealed class PatternParser(string text)
{
    private const int MostRepeats = 1000;   // as RE2

    private int _next;

    private bool AtEnd => _next == text.Length;

    /// <summary>Reads the whole text.</summary>
    /// <exception cref="FormatException">It is not understood; the message says what.</exception>
    public PatternNode Parse()
    {
        PatternNode pattern = ParseChoice();
        return AtEnd ? pattern : throw new FormatException("a ) without a (");
    }

    private PatternNode ParseChoice()
    {
        List<PatternNode> choices = [ParseSequence()];
        while (Take('|'))
        {
            choices.Add(ParseSequence());
        }

        return choices.Count == 1 ? choices[0] : new PatternNode(PatternKind.Choice) { Parts = choices };
    }

    private PatternNode ParseSequence()
    {
        List<PatternNode> parts = [];
        while (!AtEnd && text[_next] is not ('|' or ')'))
        {
            parts.Add(ParseRepeated(ParseOne()));
        }

        return new PatternNode(PatternKind.Sequence) { Parts = parts };
    }

    private PatternNode ParseRepeated(PatternNode part)
    {
        (int Least, int? Most)? times = Take('*') ? (0, null) : Take('+') ? (1, null) : Take('?') ? (0, 1) : FindBounds();
        if (times is not (int least, var most))
        {
            return part;
        }

        Take('?');   // as few as possible: where it matches makes no difference here
        return !AtEnd && text[_next] is '*' or '+' or '?'
            ? throw new FormatException("a repetition of a repetition")
            : new PatternNode(PatternKind.Repeat) { Parts = [part], Least = least, Most = most };
    }

    /// <summary>{2}, {2,} or {2,5}; anything else in braces stands for itself.</summary>
    private (int Least, int? Most)? FindBounds()
    {
        int end = AtEnd || text[_next] != '{' ? -1 : text.IndexOf('}', _next);
        if (end < 0)
        {
            return null;
        }

        string[] bounds = text[(_next + 1)..end].Split(',');
        if (bounds.Length > 2 || !IsCount(bounds[0], out int least))
        {
            return null;
        }

        int? most = least;
        if (bounds.Length == 2)
        {
            most = bounds[1].Length == 0 ? null : IsCount(bounds[1], out int upper) ? upper : throw new FormatException($"{text[_next..(end + 1)]}");
        }

        _next = end + 1;
        return least <= MostRepeats && (most ?? least) <= MostRepeats && least <= (most ?? least)
            ? (least, most)
            : throw new FormatException($"{{{least},{most}}}, which is out of order or more than {MostRepeats} times");
    }

    private PatternNode ParseOne()
    {
        char c = text[_next++];
        return c switch
        {
            '^' => new PatternNode(PatternKind.Start),
            '$' => new PatternNode(PatternKind.End),
            '.' => new PatternNode(PatternKind.Character) { Ranges = [('\n', '\n')], IsNegated = true },
            '(' => ParseGroup(),
            '[' => ParseSet(),
            '\\' => ParseEscape(),
            '*' or '+' or '?' => throw new FormatException($"a {c} with nothing before it"),
            _ => new PatternNode(PatternKind.Character) { Ranges = [(c, c)] },
        };
    }

    private PatternNode ParseGroup()
    {
        if (Take('?') && !Take(':'))
        {
            throw new FormatException("a group that begins with (? and no colon");
        }

        PatternNode group = ParseChoice();
        return Take(')') ? group : throw new FormatException("a ( without a )");
    }

    private PatternNode ParseEscape()
    {
        char c = Advance();
        return FindClass(c) is (var ranges, bool negated)
            ? new PatternNode(PatternKind.Character) { Ranges = ranges, IsNegated = negated }
            : new PatternNode(PatternKind.Character) { Ranges = [(Literal(c), c)] };
    }

    private PatternNode ParseSet()
    {
        bool negated = Take('^');
        List<(char, char)> ranges = [];
        bool isFirst = true;   // a ] stands for itself there
        while (isFirst || AtEnd || text[_next] != ']')
        {
            isFirst = false;
            char first = Advance();
            if (first == '[' && !AtEnd && text[_next] == ':')
            {
                throw new FormatException("a named class such as [:alpha:]");
            }

            if (first == '\\')
            {
                first = Advance();
                if (FindClass(first) is (var named, bool excluded))
                {
                    ranges.AddRange(excluded ? throw new FormatException($"\\{first} within []") : named);
                    continue;
                }

                first = Literal(first);
            }

            ranges.Add((first, ParseRangeEnd(first)));
        }

        _next++;
        return new PatternNode(PatternKind.Character) { Ranges = ranges, IsNegated = negated };
    }

    private char ParseRangeEnd(char first)
    {
        // A hyphen before the ] stands for itself.
        if (AtEnd || text[_next] != '-' || _next + 1 >= text.Length || text[_next + 1] == ']')
        {
            return first;
        }

        _next++;
        char last = Advance();
        last = last == '\\' ? Literal(Advance()) : last;
        return last >= first ? last : throw new FormatException($"the range {first}-{last}, which is out of order");
    }

    /// <summary>What \d, \w, \s and their opposites stand for.</summary>
    private static ((char, char)[] Ranges, bool Negated)? FindClass(char c) => char.ToLowerInvariant(c) switch
    {
        'd' => ([('0', '9')], c == 'D'),
        'w' => ([('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')], c == 'W'),
        's' => ([('\t', '\n'), ('\f', '\r'), (' ', ' ')], c == 'S'),
        _ => null,
    };

    private static char Literal(char escaped) =>
        char.IsAsciiLetterOrDigit(escaped) || !char.IsAscii(escaped) ? throw new FormatException($"\\{escaped}") : escaped;

    private static bool IsCount(string digits, out int count) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private bool Take(char c)
    {
        bool found = !AtEnd && text[_next] == c;
        _next += found ? 1 : 0;
        return found;
    }

    private char Advance() => AtEnd ? throw new FormatException("the end is missing") : text[_next++];
}
