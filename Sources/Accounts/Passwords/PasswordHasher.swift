import NIOPosix

/// Hashes and verifies passwords on threads of its own, so that neither event loops nor the cooperative pool wait.
///
/// Sets the pool's threads to work only for as long as the hasher lives.
package final class PasswordHasher: Sendable {
  let settings: HasherSettings
  /// Starts the threads.
  package init(settings: HasherSettings = HasherSettings()) { self.settings = settings }
}
