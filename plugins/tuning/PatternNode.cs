namespace CniPlugins.Plugins.Tuning;

/// <summary>What a part of a pattern is.</summary>
internal enum PatternKind
{
    /// <summary>One character out of ranges.</summary>
    Character,

    /// <summary>The place before the first character.</summary>
    Start,

    /// <summary>The place after the last character.</summary>
    End,

    /// <summary>All parts, one after the other.</summary>
    Sequence,

    /// <summary>Any one of the parts.</summary>
    Choice,

    /// <summary>The one part, so many times.</summary>
    Repeat,
}

/// <summary>A part of a pattern.</summary>
/// <param name="Kind">What it is.</param>
internal sealed record PatternNode(PatternKind Kind)
{
    /// <summary>Of a character: those that fit, both ends included.</summary>
    public IReadOnlyList<(char First, char Last)> Ranges { get; init; } = [];

    /// <summary>Of a character: all but those.</summary>
    public bool IsNegated { get; init; }

    /// <summary>Of a sequence, choice or repetition.</summary>
    public IReadOnlyList<PatternNode> Parts { get; init; } = [];

    /// <summary>Of a repetition.</summary>
    public int Least { get; init; }

    /// <summary>Of a repetition; null: without end.</summary>
    public int? Most { get; init; }

    /// <summary>Of a character: whether this one fits.</summary>
    public bool Fits(char c)
    {
        foreach ((char first, char last) in Ranges)
        {
            if (c >= first && c <= last)
            {
                return !IsNegated;
            }
        }

        return IsNegated;
    }
}
