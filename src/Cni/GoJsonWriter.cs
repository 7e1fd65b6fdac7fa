using System.Globalization;
using System.Text;

namespace CniPlugins.Cni;

/// <summary>
/// Writes JSON letter by letter as Go's MarshalIndent does, so that tools which compare results see no difference. (Utf8JsonWriter's
/// encoders escape other characters, and none can be told to escape '&lt;' as <c>\u003c</c> and leave 'é' alone. To build their tables takes 0.1 ms, too.)
/// </summary>
public sealed class GoJsonWriter
{
    private readonly StringBuilder _text = new(1024);
    private int _depth;
    private bool _empty = true;

    /// <summary>All that was written, in UTF-8.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(_text.ToString());

    /// <summary>Writes '{'.</summary>
    public void BeginObject() => Begin('{');

    /// <summary>Writes '}'.</summary>
    public void EndObject() => End('}');

    /// <summary>Writes '['.</summary>
    public void BeginArray() => Begin('[');

    /// <summary>Writes ']'.</summary>
    public void EndArray() => End(']');

    /// <summary>Begins an item of an array.</summary>
    public void Item()
    {
        _text.Append(_empty ? "\n" : ",\n").Append(' ', 4 * _depth);
        _empty = false;
    }

    /// <summary>Begins a member of an object.</summary>
    public void Key(string key)
    {
        Item();
        AppendString(key);
        _text.Append(": ");
    }

    /// <summary>Writes a string as the value.</summary>
    public void String(string value) => AppendString(value);

    /// <summary>Writes a number as the value.</summary>
    public void Number(long value) => _text.Append(CultureInfo.InvariantCulture, $"{value}");

    /// <summary>Writes a number as the value.</summary>
    public void Number(ulong value) => _text.Append(CultureInfo.InvariantCulture, $"{value}");

    /// <summary>Writes true or false as the value.</summary>
    public void Boolean(bool value) => _text.Append(value ? "true" : "false");

    /// <summary>Writes the member unless it is null or empty.</summary>
    public void Member(string key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            Key(key);
            String(value);
        }
    }

    /// <summary>Writes the member unless it is null.</summary>
    public void Member(string key, int? value)
    {
        if (value is { } number)
        {
            Key(key);
            Number(number);
        }
    }

    /// <summary>Writes the member unless the list is empty.</summary>
    public void Member(string key, IReadOnlyList<string> values) =>
        Member(key, values, static (writer, value) => writer.String(value));

    /// <summary>Writes the member unless the list is empty.</summary>
    public void Member<T>(string key, IReadOnlyList<T> values, Action<GoJsonWriter, T> write)
    {
        if (values.Count == 0)
        {
            return;
        }

        Key(key);
        BeginArray();
        foreach (T value in values)
        {
            Item();
            write(this, value);
        }

        EndArray();
    }

    private void Begin(char bracket)
    {
        _text.Append(bracket);
        _depth++;
        _empty = true;
    }

    private void End(char bracket)
    {
        _depth--;
        if (!_empty)
        {
            _text.Append('\n').Append(' ', 4 * _depth);
        }

        _text.Append(bracket);
        _empty = false;
    }

    private void AppendString(string value)
    {
        _text.Append('"');
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (char.IsHighSurrogate(c) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1]))
            {
                _text.Append(c).Append(value[++i]);
                continue;
            }

            AppendChar(c);
        }

        _text.Append('"');
    }

    private void AppendChar(char c)
    {
        switch (c)
        {
            case '"' or '\\':
                _text.Append('\\').Append(c);
                break;
            case '\n':
                _text.Append("\\n");
                break;
            case '\r':
                _text.Append("\\r");
                break;
            case '\t':
                _text.Append("\\t");
                break;
            case '\b':
                _text.Append("\\b");
                break;
            case '\f':
                _text.Append("\\f");
                break;
            case < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029':
                _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                break;
            default:
                // A lone surrogate has no UTF-8 form.
                _text.Append(char.IsSurrogate(c) ? '\uFFFD' : c);
                break;
        }
    }
}
