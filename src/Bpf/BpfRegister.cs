namespace CniPlugins.Bpf;

/// <summary>A register. 1 to 5 hold a call's arguments and are lost by it, 0 what it returns; 6 to 9 outlast it; 10 is the end of the stack's 512 bytes.</summary>
public enum BpfRegister : byte
{
    /// <summary>What a call returns, and what the program returns.</summary>
    R0,

    /// <summary>First argument; at the beginning, the context.</summary>
    R1,

    /// <summary>Second argument.</summary>
    R2,

    /// <summary>Third argument.</summary>
    R3,

    /// <summary>Fourth argument.</summary>
    R4,

    /// <summary>Fifth argument.</summary>
    R5,

    /// <summary>Outlasts calls.</summary>
    R6,

    /// <summary>Outlasts calls.</summary>
    R7,

    /// <summary>Outlasts calls.</summary>
    R8,

    /// <summary>Outlasts calls.</summary>
    R9,

    /// <summary>The stack's end; cannot be changed.</summary>
    Stack,
}
