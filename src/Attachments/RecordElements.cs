using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>The nftables elements that a record answers for.</summary>
internal static class RecordElements
{
    /// <summary>
    /// All of them, as far as they can be believed: of sets of ours, in their form, with the comment that follows from the attachment, and a published port
    /// only as the record's list of ports has it.
    /// </summary>
    public static IReadOnlyList<RuleElement> ListBelieved(AttachmentRecord record)
    {
        string comment = AttachmentNames.Full(record.Attachment);
        HashSet<string> ports =
        [
            .. record.Ports.Select(port => Text(PolicyElements.Published(port, comment))),
            .. record.Ports.Select(port => Text(PolicyElements.LoopbackTranslated(port, comment))),
        ];
        List<RuleElement> believed = [];
        foreach (RuleElement element in record.Elements)
        {
            if (element.Element.Comment == comment && PolicyTables.IsWellFormed(element) && (element.Element.Data is null || ports.Contains(Text(element)) || PolicyElements.IsOutbound(element, record.Addresses)))
            {
                believed.Add(element);
            }
        }

        return believed;
    }

    /// <summary>What an element is, and where it leads.</summary>
    public static string Text(RuleElement element) => $"{PolicyTables.Identity(element)}{Convert.ToHexString(element.Element.Data ?? [])}";
}
