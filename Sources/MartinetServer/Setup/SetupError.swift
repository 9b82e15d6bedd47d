/// A host that cannot be set up or started: one line with the remedy.
package struct SetupError: Error, CustomStringConvertible {
  /// The line.
  package var description: String

  /// Makes an error from its line.
  package init(_ text: String) { description = text }
}
