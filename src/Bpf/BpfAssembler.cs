using CniPlugins.Bpf.Uapi;
using CniPlugins.Linux;

namespace CniPlugins.Bpf;

/// <summary>
/// Puts a BPF program together, instruction by instruction, without a compiler. One instruction is a <c>struct bpf_insn</c>: operation (8 bits), target register
/// (4), source register (4), offset (16), constant (32), here as one number in the order of a little-endian machine. Documentation/bpf/standardization/instruction-set.rst.
/// </summary>
public sealed class BpfAssembler
{
    private readonly List<ulong> _code = [];
    private readonly List<(int Position, BpfLabel Target)> _jumps = [];

    /// <summary>A place that is not known yet.</summary>
    public static BpfLabel NewLabel() => new();

    /// <summary>The label is here.</summary>
    public void Mark(BpfLabel label) => label.Position = _code.Count;

    /// <summary>target = source.</summary>
    public void Move(BpfRegister target, BpfRegister source) => Emit(BPF.ALU64 | BPF.MOV | BPF.X, target, source, 0, 0);

    /// <summary>target = value, its sign carried on.</summary>
    public void Move(BpfRegister target, int value) => Emit(BPF.ALU64 | BPF.MOV | BPF.K, target, 0, 0, value);

    /// <summary>target += value.</summary>
    public void Add(BpfRegister target, int value) => Emit(BPF.ALU64 | BPF.ADD | BPF.K, target, 0, 0, value);

    /// <summary>target &amp;= value.</summary>
    public void And(BpfRegister target, int value) => Emit(BPF.ALU64 | BPF.AND | BPF.K, target, 0, 0, value);

    /// <summary>target |= source.</summary>
    public void Or(BpfRegister target, BpfRegister source) => Emit(BPF.ALU64 | BPF.OR | BPF.X, target, source, 0, 0);

    /// <summary>target &lt;&lt;= bits.</summary>
    public void ShiftLeft(BpfRegister target, int bits) => Emit(BPF.ALU64 | BPF.LSH | BPF.K, target, 0, 0, bits);

    /// <summary>target = the 2 bytes at source + offset.</summary>
    public void LoadU16(BpfRegister target, BpfRegister source, short offset) => Emit(BPF.LDX | BPF.MEM | BPF.H, target, source, offset, 0);

    /// <summary>target = the 4 bytes at source + offset.</summary>
    public void LoadU32(BpfRegister target, BpfRegister source, short offset) => Emit(BPF.LDX | BPF.MEM | BPF.W, target, source, offset, 0);

    /// <summary>target = the 8 bytes at source + offset.</summary>
    public void LoadU64(BpfRegister target, BpfRegister source, short offset) => Emit(BPF.LDX | BPF.MEM | BPF.DW, target, source, offset, 0);

    /// <summary>The 4 bytes at target + offset = source.</summary>
    public void StoreU32(BpfRegister target, short offset, BpfRegister source) => Emit(BPF.STX | BPF.MEM | BPF.W, target, source, offset, 0);

    /// <summary>The 4 bytes at target + offset = value.</summary>
    public void StoreU32(BpfRegister target, short offset, int value) => Emit(BPF.ST | BPF.MEM | BPF.W, target, 0, offset, value);

    /// <summary>The 8 bytes at target + offset = source.</summary>
    public void StoreU64(BpfRegister target, short offset, BpfRegister source) => Emit(BPF.STX | BPF.MEM | BPF.DW, target, source, offset, 0);

    /// <summary>The 8 bytes at target + offset = value, its sign carried on.</summary>
    public void StoreU64(BpfRegister target, short offset, int value) => Emit(BPF.ST | BPF.MEM | BPF.DW, target, 0, offset, value);

    /// <summary>target = the map, as calls want it.</summary>
    public void LoadMap(BpfRegister target, SafeFileDescriptor map)
    {
        Emit(BPF.LD | BPF.IMM | BPF.DW, target, (BpfRegister)BPF_PSEUDO.MAP_FD, 0, map.Value);
        _code.Add(0);   // the upper half of the constant
    }

    /// <summary>Calls a function of the kernel.</summary>
    public void Call(BPF_FUNC function) => Emit(BPF.JMP | BPF.CALL, 0, 0, 0, (int)function);

    /// <summary>Goes on at the label, which must come later.</summary>
    public void Jump(BpfLabel label) => Jump(BPF.JMP | BPF.JA, 0, 0, label);

    /// <summary>Goes on at the label if all 64 bits are equal to the value, its sign carried on.</summary>
    public void JumpIfEqual(BpfRegister register, int value, BpfLabel label) => Jump(BPF.JMP | BPF.JEQ | BPF.K, register, value, label);

    /// <summary>Goes on at the label if the 64 bits differ from the value, its sign carried on.</summary>
    public void JumpIfNot(BpfRegister register, int value, BpfLabel label) => Jump(BPF.JMP | BPF.JNE | BPF.K, register, value, label);

    /// <summary>Goes on at the label if the lower 32 bits are equal to the value.</summary>
    public void JumpIfEqual32(BpfRegister register, int value, BpfLabel label) => Jump(BPF.JMP32 | BPF.JEQ | BPF.K, register, value, label);

    /// <summary>Goes on at the label if the lower 32 bits differ from the value.</summary>
    public void JumpIfNot32(BpfRegister register, int value, BpfLabel label) => Jump(BPF.JMP32 | BPF.JNE | BPF.K, register, value, label);

    /// <summary>Ends with what R0 holds.</summary>
    public void Exit() => Emit(BPF.JMP | BPF.EXIT, 0, 0, 0, 0);

    /// <summary>The finished program.</summary>
    /// <exception cref="InvalidOperationException">A label was never marked.</exception>
    public ulong[] ToArray()
    {
        ulong[] code = [.. _code];
        foreach ((int position, BpfLabel target) in _jumps)
        {
            // Counted from the instruction after the jump.
            int offset = target.Position >= 0 ? target.Position - position - 1 : throw new InvalidOperationException("a label was never marked");
            code[position] |= (ulong)(ushort)checked((short)offset) << 16;
        }

        return code;
    }

    private void Jump(BPF operation, BpfRegister register, int value, BpfLabel label)
    {
        _jumps.Add((_code.Count, label));
        Emit(operation, register, 0, 0, value);
    }

    private void Emit(BPF operation, BpfRegister target, BpfRegister source, short offset, int constant) => _code.Add(
        unchecked((byte)operation | ((ulong)target << 8) | ((ulong)source << 12) | ((ulong)(ushort)offset << 16) | ((ulong)(uint)constant << 32)));
}
