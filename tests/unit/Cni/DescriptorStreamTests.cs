using CniPlugins.Linux;

namespace CniPlugins.UnitTests.Cni;

public sealed class DescriptorStreamTests
{
    [Fact]
    public void A_silent_input_fails_instead_of_waiting_for_ever()
    {
        using ChildPipe pipe = ChildPipe.FromChild();
        using DescriptorStream stream = new(pipe.OwnEnd, "a pipe", TimeSpan.FromMilliseconds(20));
        Assert.Equal(Errno.ETIMEDOUT, Assert.Throws<LinuxException>(() => stream.Read(new byte[1])).Errno);
    }

    [Fact]
    public void What_is_written_can_be_read_to_the_end()
    {
        using ChildPipe pipe = ChildPipe.FromChild();
        using DescriptorStream writer = new(pipe.ChildEnd, "a pipe");
        using DescriptorStream reader = new(pipe.OwnEnd, "a pipe", TimeSpan.FromSeconds(60));
        writer.Write("abc"u8);
        byte[] buffer = new byte[8];
        Assert.Equal(3, reader.Read(buffer));
        pipe.CloseChildEnd();
        Assert.Equal(0, reader.Read(buffer));
    }
}
