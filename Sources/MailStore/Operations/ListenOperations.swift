/// Telling sessions that a folder changed.
extension AccountStore {
  func addListener(_ key: FolderKey, number: UInt64, _ wake: @escaping @Sendable () -> Void) throws {
    startFilling()
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      let seat = seat(key.id)
      seat.listeners[number] = wake
      seat.notices.onNotice { [weak self] in
        guard let self else { return }
        Task { await self.refresh(key) }
      }
      if seat.watch == nil { isPolled.store(true, ordering: .relaxed) }
    }
  }

  func removeListener(_ key: FolderKey, number: UInt64) {
    guard key.epoch == epoch, let seat = seats[key.id] else { return }
    seat.listeners[number] = nil
    if seat.listeners.isEmpty { seat.notices.onNotice(nil) }
  }

  /// Looks at the folders that someone listens to and no watch covers.
  func poll() {
    var isNeeded = false
    defer { isPolled.store(isNeeded, ordering: .relaxed) }
    for (id, seat) in seats where seat.watch == nil && !seat.listeners.isEmpty {
      isNeeded = true
      refresh(FolderKey(id: id, epoch: epoch))
    }
  }

}
