namespace CniPlugins.Bpf;

/// <summary>A place in a program that jumps lead to: made by <see cref="BpfAssembler.NewLabel"/>, put there by <see cref="BpfAssembler.Mark"/>.</summary>
public sealed class BpfLabel
{
    internal int Position { get; set; } = -1;
}
