/// Telling sessions that a folder changed.
extension AccountStore {
  func addListener(_ key: FolderKey, number: UInt64, _ wake: @escaping @Sendable () -> Void) throws {
    startFilling()
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      let seat = seat(key.id)
      seat.listeners[number] = wake
      listen(to: seat, key)
      if seat.watch == nil { isPolled.store(true, ordering: .relaxed) }
    }
  }

  /// Listens without keeping the folder's view in memory or a watch on it, for those who listen to thousands.
  ///
  /// What this process does is told at once; other programs are noticed by the directories' dates, every so often.
  func addDistantListener(
    _ name: MailboxName, number: UInt64, _ wake: @escaping @Sendable () -> Void
  ) throws -> FolderKey {
    try perform { index in
      let key = try folderKey(name, index)
      let directoryName = FolderNameCodec.directoryName(name)
      let path = try path(name)
      let seat = seat(key.id)
      seat.distantListeners[number] = wake
      seat.place = FolderSeat.Place(directoryName: directoryName, path: path, stamps: stampsNow(path))
      arrivals.withLock { $0[directoryName] = seat.notices }
      listen(to: seat, key)
      isPolled.store(true, ordering: .relaxed)
      return key
    }
  }

  private func listen(to seat: FolderSeat, _ key: FolderKey) {
    seat.notices.onNotice { [weak self] in
      guard let self else { return }
      Task { await self.noticed(key) }
    }
  }

  /// Takes in a change for those who are near; those afar look for themselves.
  private func noticed(_ key: FolderKey) {
    guard key.epoch == epoch, let seat = seats[key.id] else { return }
    guard views[key.id] == nil, seat.listeners.isEmpty else { return refresh(key) }
    _ = seat.notices.take()
    seat.wakeAll()
  }

  func removeListener(_ key: FolderKey, number: UInt64) {
    guard key.epoch == epoch, let seat = seats[key.id] else { return }
    seat.listeners[number] = nil
    seat.distantListeners[number] = nil
    guard seat.listeners.isEmpty, seat.distantListeners.isEmpty else { return }
    seat.notices.onNotice(nil)
    guard let place = seat.place else { return }
    seat.place = nil
    guard views[key.id] == nil else { return }
    seats[key.id] = nil
    arrivals.withLock { if $0[place.directoryName] === seat.notices { $0[place.directoryName] = nil } }
  }

  /// Folders listened to from afar that are looked at in one round; the others have their turn in the next ones.
  private static let distantLooks = 500

  /// Looks at the folders that someone listens to and no watch covers.
  func poll() {
    var isNeeded = false
    defer { isPolled.store(isNeeded, ordering: .relaxed) }
    var distant: [(id: Int64, seat: FolderSeat)] = []
    for (id, seat) in seats where seat.watch == nil {
      if seat.distantListeners.isEmpty ? !seat.listeners.isEmpty : !seat.listeners.isEmpty || views[id] != nil {
        isNeeded = true
        refresh(FolderKey(id: id, epoch: epoch))
      } else if !seat.distantListeners.isEmpty {
        distant.append((id, seat))
      }
    }
    isNeeded = isNeeded || seats.values.contains { !$0.distantListeners.isEmpty }
    pollRound &+= 1
    let rounds = Int64(max(1, (distant.count + Self.distantLooks - 1) / Self.distantLooks))
    for (id, seat) in distant where id % rounds == pollRound % rounds {
      guard let place = seat.place, case let now = stampsNow(place.path), now != place.stamps else { continue }
      seat.place?.stamps = now
      seat.wakeAll()
    }
  }
}

extension MailStore {
  /// Calls `wake` whenever a folder may have changed, until the token is cancelled or released; for those who listen to
  /// thousands of folders, as none of them stays in memory for it.
  ///
  /// `wake` must return at once. A call may mean nothing, and what other programs do is noticed some seconds later.
  ///
  /// - Throws: `noSuchFolder`.
  package func addDistantListener(
    _ account: MailAccount, name: MailboxName, _ wake: @escaping @Sendable () -> Void
  ) async throws -> ListenerToken {
    let number = Mailbox.newListenerNumber()
    let store = try store(account)
    let key = try await store.addDistantListener(name, number: number, wake)
    return ListenerToken { Task { await store.removeListener(key, number: number) } }
  }
}
