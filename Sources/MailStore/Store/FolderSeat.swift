/// What outlives a view: who listens to a folder, and what waits to be looked at.
final class FolderSeat {
  /// Where a folder is that somebody listens to from afar.
  struct Place {
    var directoryName: String
    var path: String
    /// The directories' dates when they were last looked at.
    var stamps: FolderView.Stamps
  }

  let notices = FolderNotices()
  var watch: FolderWatch?
  var watchedInode: UInt64?
  /// Those for whom the folder's view stays in memory.
  var listeners: [UInt64: @Sendable () -> Void] = [:]
  /// Those for whom it need not.
  var distantListeners: [UInt64: @Sendable () -> Void] = [:]
  var place: Place?
  private var announced: UInt64 = 0

  func announce(_ version: UInt64) {
    guard version != announced else { return }
    announced = version
    wakeAll()
  }

  /// Everybody who listens.
  var everybody: [@Sendable () -> Void] { Array(listeners.values) + Array(distantListeners.values) }

  func wakeAll() { for listener in everybody { listener() } }
}
