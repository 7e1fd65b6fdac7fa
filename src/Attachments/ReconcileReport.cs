namespace CniPlugins.Attachments;

/// <summary>What a comparison of the records with the kernel came to.</summary>
/// <param name="Differences">What was not as it should be, a sentence each.</param>
/// <param name="Warnings">What could not be believed or put back, a sentence each.</param>
public sealed record ReconcileReport(IReadOnlyList<string> Differences, IReadOnlyList<string> Warnings);
