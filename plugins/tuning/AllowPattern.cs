namespace CniPlugins.Plugins.Tuning;

/// <summary>
/// A regular expression that matches anywhere in a text. All ways through the pattern are followed at once (Thompson's construction), so that no pattern and no
/// text takes long. The framework's own would cost more in size and start-up than the rest of the plugin.
/// </summary>
internal sealed class AllowPattern
{
    private const int Longest = 1000;
    private const int MostSteps = 20_000;
    private const int None = -1;

    private readonly List<Step> _steps = [];

    private AllowPattern(PatternNode pattern)
    {
        Emit(pattern);
        Append(new Step(null, None, None));   // arrived
    }

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FormatException">It is not understood; the message says what.</exception>
    public static AllowPattern Parse(string text) => text.Length <= Longest
        ? new AllowPattern(new PatternParser(text).Parse())
        : throw new FormatException($"more than {Longest} characters");

    /// <summary>Whether the pattern is found in the text.</summary>
    public bool IsMatch(string text)
    {
        bool[] now = new bool[_steps.Count];
        for (int at = 0; at <= text.Length; at++)
        {
            Follow(now, 0, at, text.Length);   // it may begin anywhere
            if (now[^1])
            {
                return true;
            }

            bool[] next = new bool[_steps.Count];
            for (int i = 0; at < text.Length && i < now.Length; i++)
            {
                if (now[i] && _steps[i].Part is { Kind: PatternKind.Character } part && part.Fits(text[at]))
                {
                    Follow(next, i + 1, at + 1, text.Length);
                }
            }

            now = next;
        }

        return false;
    }

    /// <summary>Marks the step and all that are reached from it without a character.</summary>
    private void Follow(bool[] reached, int first, int at, int length)
    {
        Stack<int> open = new([first]);
        while (open.TryPop(out int i))
        {
            if (reached[i])
            {
                continue;
            }

            reached[i] = true;
            Step step = _steps[i];
            switch (step.Part?.Kind)
            {
                case PatternKind.Start when at == 0:
                case PatternKind.End when at == length:
                    open.Push(i + 1);
                    break;
                case null when step.To != None:
                    open.Push(step.To);
                    if (step.OrTo != None)
                    {
                        open.Push(step.OrTo);
                    }

                    break;
                default:
                    break;
            }
        }
    }

    private void Emit(PatternNode node)
    {
        switch (node.Kind)
        {
            case PatternKind.Sequence:
                foreach (PatternNode part in node.Parts)
                {
                    Emit(part);
                }

                break;
            case PatternKind.Choice:
                EmitChoice(node.Parts);
                break;
            case PatternKind.Repeat:
                EmitRepeat(node);
                break;
            default:
                Append(new Step(node, None, None));
                break;
        }
    }

    private void EmitChoice(IReadOnlyList<PatternNode> parts)
    {
        List<int> exits = [];
        for (int i = 0; i < parts.Count - 1; i++)
        {
            int fork = Append(default);
            Emit(parts[i]);
            exits.Add(Append(default));
            _steps[fork] = new Step(null, fork + 1, _steps.Count);
        }

        Emit(parts[^1]);
        foreach (int exit in exits)
        {
            _steps[exit] = new Step(null, _steps.Count, None);
        }
    }

    private void EmitRepeat(PatternNode node)
    {
        for (int i = 0; i < node.Least; i++)
        {
            Emit(node.Parts[0]);
        }

        if (node.Most is not int most)
        {
            int loop = Append(default);
            Emit(node.Parts[0]);
            Append(new Step(null, loop, None));
            _steps[loop] = new Step(null, loop + 1, _steps.Count);
            return;
        }

        List<int> forks = [];
        for (int i = node.Least; i < most; i++)
        {
            forks.Add(Append(default));
            Emit(node.Parts[0]);
        }

        foreach (int fork in forks)
        {
            _steps[fork] = new Step(null, fork + 1, _steps.Count);
        }
    }

    private int Append(Step step)
    {
        _steps.Add(step);
        return _steps.Count <= MostSteps ? _steps.Count - 1 : throw new FormatException("repetitions that make it too large");
    }

    /// <summary>A character or a place, after which comes the next step; or, without one, a way on to one or two others.</summary>
    private readonly record struct Step(PatternNode? Part, int To, int OrTo);
}
