/// What outlives a view: who listens to a folder, and what waits to be looked at.
final class FolderSeat {
  let notices = FolderNotices()
  var watch: FolderWatch?
  var watchedInode: UInt64?
  var listeners: [UInt64: @Sendable () -> Void] = [:]
  private var announced: UInt64 = 0

  func announce(_ version: UInt64) {
    guard version != announced else { return }
    announced = version
    wakeAll()
  }

  func wakeAll() { for listener in listeners.values { listener() } }
}
