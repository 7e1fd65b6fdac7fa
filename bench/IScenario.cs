namespace CniPlugins.Bench;

/// <summary>Something that is measured for all contenders in one run. A new one is a class in Scenarios/ and a line in <see cref="Options"/>.</summary>
internal interface IScenario
{
    /// <summary>What the command line and the report call it.</summary>
    string Name { get; }

    /// <summary>One line for the reader of the report.</summary>
    string Description { get; }

    /// <summary>Makes its hosts, verifies that calls do what they should, measures, and reports.</summary>
    /// <exception cref="BenchException">A call does not do what it should.</exception>
    void Run(Options options, Report report);
}
