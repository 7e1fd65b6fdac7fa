using CniPlugins.Bpf;
using CniPlugins.Bpf.Uapi;
using static CniPlugins.Bpf.BpfRegister;

namespace CniPlugins.UnitTests.Bpf;

/// <summary>Instructions as <c>llvm-objdump -d</c> shows their bytes, read as little-endian numbers.</summary>
public sealed class BpfAssemblerTests
{
    [Fact]
    public void Instructions_are_encoded_as_the_kernel_has_them()
    {
        BpfAssembler code = new();
        code.Move(R6, R1);
        code.Move(R0, 1);
        code.Move(R0, -1);
        code.LoadU32(R7, R6, 4);
        code.LoadU16(R1, R9, 16);
        code.LoadU64(R2, R6, 64);
        code.StoreU32(Stack, -20, R7);
        code.StoreU64(Stack, -32, R0);
        code.StoreU64(Stack, -8, 0);
        code.Add(R2, -32);
        code.And(R1, 255);
        code.Or(R9, R1);
        code.ShiftLeft(R9, 16);
        code.Call(BPF_FUNC.map_lookup_elem);
        code.Exit();

        ulong[] expected =
        [
            0x00000000_0000_16bf, 0x00000001_0000_00b7, 0xffffffff_0000_00b7, 0x00000000_0004_6761, 0x00000000_0010_9169, 0x00000000_0040_6279,
            0x00000000_ffec_7a63, 0x00000000_ffe0_0a7b, 0x00000000_fff8_0a7a, 0xffffffe0_0000_0207, 0x000000ff_0000_0157, 0x00000000_0000_194f,
            0x00000010_0000_0967, 0x00000001_0000_0085, 0x00000000_0000_0095,
        ];
        Assert.Equal(expected, code.ToArray());
    }

    [Fact]
    public void Jumps_are_counted_from_the_instruction_after_them()
    {
        BpfAssembler code = new();
        BpfLabel end = BpfAssembler.NewLabel();
        code.JumpIfEqual(R0, 0, end);
        code.JumpIfNot32(R7, -65536, end);
        code.Jump(end);
        code.Mark(end);
        code.Exit();

        ulong[] expected = [0x00000000_0002_0015, 0xffff0000_0001_0756, 0x00000000_0000_0005, 0x00000000_0000_0095];
        Assert.Equal(expected, code.ToArray());
    }

    [Fact]
    public void A_label_that_is_nowhere_is_a_mistake()
    {
        BpfAssembler code = new();
        code.Jump(BpfAssembler.NewLabel());

        Assert.Throws<InvalidOperationException>(code.ToArray);
    }
}
