/// One fault in a configuration file: where it is, what is wrong and what would mend it.
package struct ConfigurationFault: Hashable, Sendable, CustomStringConvertible {
  /// Name of the file as the administrator gave it, without its folder.
  package var file: String
  /// Line of the fault, counted from 1; 0 when the file as a whole is meant.
  package var line: Int
  /// What is wrong, and the remedy.
  package var text: String

  /// `martinet.yaml:LINE: text`.
  package var description: String { line > 0 ? "\(file):\(line): \(text)" : "\(file): \(text)" }
}

/// Everything that is wrong with a configuration, in the order of the file.
package struct ConfigurationError: Error, CustomStringConvertible {
  /// At least one fault.
  package var faults: [ConfigurationFault]

  /// One line per fault.
  package var description: String { faults.map(\.description).joined(separator: "\n") }
}
