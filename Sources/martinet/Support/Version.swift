/// What this build calls itself.
enum MartinetVersion {
  /// The version by semantic versioning.
  static let number = "0.1.0"
  /// The line of `martinet --version`.
  static let text = "martinet \(number)"
}
