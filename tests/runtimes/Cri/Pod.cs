namespace CniPlugins.RuntimeTests.Cri;

/// <summary>A sandbox: its id, and what it was asked to be, which every container in it must be told again.</summary>
internal sealed record Pod(string Id, PodSandboxConfig Config);
