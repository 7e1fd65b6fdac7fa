using System.Net.Sockets;
using CniPlugins.NetnsTests.Harness;
using Grpc.Core;
using Grpc.Net.Client;

namespace CniPlugins.RuntimeTests.Cri;

/// <summary>What a kubelet asks of a runtime, over its socket; call by call, each to its end.</summary>
internal sealed class CriClient : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly GrpcChannel _channel;
    private readonly RuntimeService.RuntimeServiceClient _client;

    internal CriClient(string socket)
    {
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancellation) =>
            {
                Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
        };
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _client = new RuntimeService.RuntimeServiceClient(_channel);
    }

    /// <summary>Whether the runtime has found a network.</summary>
    internal bool IsNetworkReady() =>
        _client.Status(new StatusRequest(), Options()).Status.Conditions.Single(static c => c.Type == "NetworkReady").Status;

    /// <summary>A pod with these published ports; containerd's own addresses of it are in <see cref="Addresses"/>.</summary>
    internal Pod RunPod(string name, params PortMapping[] ports)
    {
        PodSandboxConfig config = new()
        {
            Metadata = new PodSandboxMetadata { Name = name, Namespace = "default", Uid = Guid.NewGuid().ToString() },
            Hostname = name,
            LogDirectory = "/run/pods",
            Linux = new LinuxPodSandboxConfig { CgroupParent = "/pods" },
            PortMappings = { ports },
        };
        string id = _client.RunPodSandbox(new RunPodSandboxRequest { Config = config }, Options()).PodSandboxId;
        return new Pod(id, config);
    }

    internal void StopPod(Pod pod) => _client.StopPodSandbox(new StopPodSandboxRequest { PodSandboxId = pod.Id }, Options());

    internal void RemovePod(Pod pod) => _client.RemovePodSandbox(new RemovePodSandboxRequest { PodSandboxId = pod.Id }, Options());

    internal bool IsReady(Pod pod) => Status(pod).Status.State == PodSandboxState.SandboxReady;

    /// <summary>The process that holds the pod's namespaces.</summary>
    internal int ProcessOf(Pod pod) => Json.Parse(Status(pod).Info["info"]).GetProperty("pid").GetInt32();

    /// <summary>The pod's addresses, first the one that a kubelet names.</summary>
    internal IReadOnlyList<string> Addresses(Pod pod)
    {
        PodSandboxNetworkStatus network = Status(pod).Status.Network;
        return [network.Ip, .. network.AdditionalIps.Select(static each => each.Ip)];
    }

    /// <summary>A container in the pod, started.</summary>
    internal string StartContainer(Pod pod, string name, string image, params string[] command)
    {
        ContainerConfig config = new()
        {
            Metadata = new ContainerMetadata { Name = name },
            Image = new ImageSpec { Image = image },
            Command = { command },
        };
        CreateContainerRequest request = new() { PodSandboxId = pod.Id, Config = config, SandboxConfig = pod.Config };
        string id = _client.CreateContainer(request, Options()).ContainerId;
        _client.StartContainer(new StartContainerRequest { ContainerId = id }, Options());
        return id;
    }

    internal void RemoveContainer(string id)
    {
        _client.StopContainer(new StopContainerRequest { ContainerId = id }, Options());
        _client.RemoveContainer(new RemoveContainerRequest { ContainerId = id }, Options());
    }

    internal ToolResult Execute(string container, params string[] command)
    {
        ExecSyncResponse answer = _client.ExecSync(new ExecSyncRequest { ContainerId = container, Cmd = { command }, Timeout = 20 }, Options());
        return new ToolResult(string.Join(' ', command), answer.ExitCode, answer.Stdout.ToStringUtf8(), answer.Stderr.ToStringUtf8());
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private PodSandboxStatusResponse Status(Pod pod) =>
        _client.PodSandboxStatus(new PodSandboxStatusRequest { PodSandboxId = pod.Id, Verbose = true }, Options());

    private static CallOptions Options() => new(deadline: DateTime.UtcNow + s_limit);
}
