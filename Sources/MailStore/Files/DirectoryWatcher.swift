import Glibc
import Logging
import NIOPosix
import Synchronization

/// What happened to one name in a watched folder.
struct FolderEvent: Sendable {
  var inNew: Bool
  var name: String
  /// The name is there now, else it went away.
  var appeared: Bool
  /// It went away by a rename, and may have come back under another name.
  var byRename: Bool
}

/// The notices waiting for one folder view; filled by the watcher and by deliveries, emptied by the account.
final class FolderNotices: Sendable {
  private struct State {
    var events: [FolderEvent] = []
    var mustRescan = false
    var wake: (@Sendable () -> Void)?
    var isWoken = false
    var isWatchLost = false
  }
  private let state = Mutex(State())
  private static let most = 1024

  /// A watched directory went away or was replaced: nothing more will be heard of it.
  func loseWatch() {
    state.withLock { $0.isWatchLost = true }
    rescan()
  }

  /// Whether the watch was lost since the last call.
  func takeWatchLost() -> Bool {
    state.withLock { state in
      defer { state.isWatchLost = false }
      return state.isWatchLost
    }
  }

  func add(_ event: FolderEvent) {
    let wake = state.withLock { state in
      if state.events.count >= Self.most {
        state.mustRescan = true
        state.events = []
      } else if !state.mustRescan {
        state.events.append(event)
      }
      return Self.takeWake(&state)
    }
    wake?()
  }

  func rescan() {
    let wake = state.withLock { state in
      state.mustRescan = true
      state.events = []
      return Self.takeWake(&state)
    }
    wake?()
  }

  /// Takes all notices; the next one wakes again.
  func take() -> (events: [FolderEvent], mustRescan: Bool) {
    state.withLock { state in
      let result = (state.events, state.mustRescan)
      state.events = []
      state.mustRescan = false
      state.isWoken = false
      return result
    }
  }

  var isEmpty: Bool { state.withLock { $0.events.isEmpty && !$0.mustRescan } }

  /// Calls `wake` once for each batch of notices; `nil` stops that.
  func onNotice(_ wake: (@Sendable () -> Void)?) {
    let now = state.withLock { state -> (@Sendable () -> Void)? in
      state.wake = wake
      state.isWoken = false
      return state.events.isEmpty && !state.mustRescan ? nil : Self.takeWake(&state)
    }
    now?()
  }

  private static func takeWake(_ state: inout State) -> (@Sendable () -> Void)? {
    guard !state.isWoken, let wake = state.wake else { return nil }
    state.isWoken = true
    return wake
  }
}

/// inotify(7)'s event bits, which the C header gives in several types.
private enum Mask {
  static let movedFrom: UInt32 = 0x40
  static let movedTo: UInt32 = 0x80
  static let create: UInt32 = 0x100
  static let delete: UInt32 = 0x200
  static let deleteSelf: UInt32 = 0x400
  static let moveSelf: UInt32 = 0x800
  static let unmount: UInt32 = 0x2000
  static let overflow: UInt32 = 0x4000
  static let ignored: UInt32 = 0x8000
  static let onlyDirectory: UInt32 = 0x0100_0000
}

/// Watches `new/` and `cur/` of loaded folders through one inotify descriptor.
final class DirectoryWatcher: Sendable {
  private struct Target {
    weak var notices: FolderNotices?
    var inNew: Bool
  }
  private struct State {
    var targets: [Int32: Target] = [:]
    var isClosed = false
  }
  // Held while events are read and handed out, so that `drain` returns only when nothing is on its way.
  private let state = Mutex(State())
  private let descriptor: Int32
  private let stop: Int32
  private let stopper: Int32
  private let most: Int
  private let thread = NIOThreadPool(numberOfThreads: 1)
  private let log: Logger

  init(watches most: Int, log: Logger) {
    self.most = most
    self.log = log
    // The header's IN_NONBLOCK and IN_CLOEXEC are these.
    descriptor = inotify_init1(O_NONBLOCK | O_CLOEXEC)
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) != 0 { ends = [-1, -1] }
    for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (stop, stopper) = (ends[0], ends[1])
    if descriptor < 0 { log.warning("inotify is not available; mailboxes are polled") }
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
    for end in [stop, stopper] where end >= 0 { Glibc.close(end) }
  }

  /// Starts the thread that reads events.
  func start() {
    guard descriptor >= 0, stop >= 0 else { return }
    thread.start()
    thread.submit { [self] state in if case .active = state { run() } }
  }

  func close() async {
    let wasOpen = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    guard wasOpen, descriptor >= 0, stop >= 0 else { return }
    _ = write(stopper, "x", 1)
    try? await thread.shutdownGracefully()
  }

  /// Watches a folder; `nil` when the bound is reached or the system refuses.
  func watch(folder: String, notices: FolderNotices) -> FolderWatch? {
    guard descriptor >= 0 else { return nil }
    let mask =
      Mask.create | Mask.delete | Mask.movedFrom | Mask.movedTo | Mask.deleteSelf | Mask.moveSelf | Mask.onlyDirectory
    return state.withLock { state in
      guard !state.isClosed, state.targets.count + 2 <= most else { return nil }
      let new = inotify_add_watch(descriptor, folder + "/new", mask)
      guard new >= 0 else { return nil }
      let cur = inotify_add_watch(descriptor, folder + "/cur", mask)
      guard cur >= 0 else {
        inotify_rm_watch(descriptor, new)
        return nil
      }
      state.targets[new] = Target(notices: notices, inNew: true)
      state.targets[cur] = Target(notices: notices, inNew: false)
      return FolderWatch(watcher: self, numbers: [new, cur], notices: notices)
    }
  }

  fileprivate func end(_ numbers: [Int32], notices: ObjectIdentifier) {
    state.withLock { state in
      for number in numbers {
        // The kernel gives one number per directory: a later view of the same folder may own it now.
        if let owner = state.targets[number]?.notices, ObjectIdentifier(owner) != notices { continue }
        state.targets[number] = nil
        inotify_rm_watch(descriptor, number)
      }
    }
  }

  /// Hands out every event that happened before this call.
  func drain() {
    guard descriptor >= 0 else { return }
    state.withLock { state in Self.read(descriptor, &state) }
  }

  private func run() {
    while true {
      var wait = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&wait, 2, -1)
      if count < 0, errno != EINTR { return }
      if wait[1].revents != 0 { return }
      drain()
    }
  }

  private static func read(_ descriptor: Int32, _ state: inout State) {
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
      while true {
        guard let start = buffer.baseAddress else { return }
        let count = Glibc.read(descriptor, start, buffer.count)
        if count <= 0 { return }
        handOut(UnsafeRawBufferPointer(start: start, count: count), &state)
        // A full buffer may have left events behind; a short read has not.
        if count < buffer.count - 512 { return }
      }
    }
  }

  private static func handOut(_ buffer: UnsafeRawBufferPointer, _ state: inout State) {
    let headSize = 16
    var position = 0
    while position + headSize <= buffer.count {
      let number = buffer.loadUnaligned(fromByteOffset: position, as: Int32.self)
      let mask = buffer.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)
      let nameSize = Int(buffer.loadUnaligned(fromByteOffset: position + 12, as: UInt32.self))
      guard position + headSize + nameSize <= buffer.count else { return }
      let name = buffer[(position + headSize)..<(position + headSize + nameSize)].prefix { $0 != 0 }
      position += headSize + nameSize
      if mask & Mask.overflow != 0 {
        for target in state.targets.values { target.notices?.rescan() }
        continue
      }
      guard let target = state.targets[number], let notices = target.notices else { continue }
      if mask & (Mask.deleteSelf | Mask.moveSelf | Mask.unmount | Mask.ignored) != 0 {
        if mask & Mask.ignored != 0 { state.targets[number] = nil }
        notices.loseWatch()
      } else if let first = name.first, first != UInt8(ascii: ".") {
        notices.add(
          FolderEvent(
            inNew: target.inNew, name: String(decoding: name, as: UTF8.self),
            appeared: mask & (Mask.create | Mask.movedTo) != 0, byRename: mask & Mask.movedFrom != 0))
      }
    }
  }

}

/// Ends the watch of one folder when it is let go.
final class FolderWatch: Sendable {
  private let watcher: DirectoryWatcher
  private let numbers: [Int32]
  private let owner: ObjectIdentifier

  fileprivate init(watcher: DirectoryWatcher, numbers: [Int32], notices: FolderNotices) {
    self.watcher = watcher
    self.numbers = numbers
    owner = ObjectIdentifier(notices)
  }

  deinit { watcher.end(numbers, notices: owner) }
}
